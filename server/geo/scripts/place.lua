-- Put the newest positions of some couriers of one region in their places.   Keys: see geo/courier_index.py
--
-- KEYS  {r:…}:pos, {r:…}:seen, {r:…}:born
-- ARGV  an incarnation for this region should it have none; "{r:…}:cell:"; then packed positions, each courier once
-- Gives {incarnation, letters}, a letter for each position:
--   P placed    N placed, and new in this region    O older than what stands here    R a newer owner has spoken
--
-- Bytes of a packed position (geo/position.py), counted from 1: courier 1-16, fix_time 17-24, received_at 25-32,
-- cell 41-48, owner 49-56, flags 63.  Owner 0 is a phone that speaks HTTP: it owns nobody and is fenced by
-- fix_time alone, so the owner's number is kept in what it writes.

local AVAILABLE, ELSEWHERE = 1, 128
local cell_prefix = ARGV[2]

local incarnation = redis.call('GET', KEYS[3])
if not incarnation then
  incarnation = ARGV[1]
  redis.call('SET', KEYS[3], incarnation)
end
if #ARGV == 2 then return {incarnation, ''} end

local function cell_set(packed)
  local a, b, c, d, e, f, g, h = string.byte(packed, 41, 48)
  return cell_prefix .. string.format('%x%02x%02x%02x%02x%02x%02x%02x', h, g, f, e, d, c, b, a)
end

local ids = {}
for n = 3, #ARGV do ids[n - 2] = string.sub(ARGV[n], 1, 16) end
local held = redis.call('HMGET', KEYS[1], unpack(ids))

local letters, entries, scores = {}, {}, {}
for n, id in ipairs(ids) do
  local new, old = ARGV[n + 2], held[n]
  if old and #old ~= #new then old = nil end            -- written by another release: its bytes mean other things
  local fix_time, received_at = struct.unpack('<i8i8', new, 17)
  local letter, was_in, old_flags = 'N', false, 0
  if old then
    local owner, old_owner = struct.unpack('<I8', new, 49), struct.unpack('<I8', old, 49)
    old_flags = string.byte(old, 63)
    if owner ~= 0 and owner < old_owner then
      letter = 'R'
    elseif fix_time < struct.unpack('<i8', old, 17) then
      letter = 'O'
    else
      if old_flags < ELSEWHERE then
        letter = 'P'
        was_in = old_flags % 2 == AVAILABLE
      end
      if owner == 0 then new = string.sub(new, 1, 48) .. string.sub(old, 49, 56) .. string.sub(new, 57) end
    end
  end
  if letter == 'P' or letter == 'N' then
    local is_in = string.byte(new, 63) % 2 == AVAILABLE
    local same_cell = was_in and string.sub(new, 41, 48) == string.sub(old, 41, 48)
    if was_in and not (is_in and same_cell) then redis.call('SREM', cell_set(old), id) end
    if is_in and not same_cell then redis.call('SADD', cell_set(new), id) end
    entries[#entries + 1] = id
    entries[#entries + 1] = new
    scores[#scores + 1] = received_at
    scores[#scores + 1] = id
  end
  letters[n] = letter
end
if #entries > 0 then
  redis.call('HSET', KEYS[1], unpack(entries))
  redis.call('ZADD', KEYS[2], unpack(scores))
end
return {incarnation, table.concat(letters)}
