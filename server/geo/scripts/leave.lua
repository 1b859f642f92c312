-- A courier was placed in another region: take him out of this one.           Keys: see geo/courier_index.py
--
-- KEYS  {r:…}:pos, {r:…}:seen
-- ARGV  "{r:…}:cell:"; his packed position over there, with the flag ELSEWHERE
--
-- What stays behind is that position as a note, until the sweep: an older owner who still believes him to be here
-- finds a newer owner number, and cannot bring him back.

local id, new = string.sub(ARGV[2], 1, 16), ARGV[2]
local old = redis.call('HGET', KEYS[1], id)
if not old or #old ~= #new then return 0 end
local fix_time, received_at = struct.unpack('<i8i8', new, 17)
local owner, old_owner = struct.unpack('<I8', new, 49), struct.unpack('<I8', old, 49)
if fix_time < struct.unpack('<i8', old, 17) or (owner ~= 0 and owner < old_owner) then return 0 end
if string.byte(old, 63) == 1 then                       -- available, and not elsewhere already
  local a, b, c, d, e, f, g, h = string.byte(old, 41, 48)
  local cell = string.format('%x%02x%02x%02x%02x%02x%02x%02x', h, g, f, e, d, c, b, a)
  redis.call('SREM', ARGV[1] .. cell, id)
end
if owner == 0 then new = string.sub(new, 1, 48) .. string.sub(old, 49, 56) .. string.sub(new, 57) end
redis.call('HSET', KEYS[1], id, new)
redis.call('ZADD', KEYS[2], received_at, id)
return 1
