-- Forget the couriers of one region who have been silent too long.            Keys: see geo/courier_index.py
--
-- KEYS  {r:…}:pos, {r:…}:seen
-- ARGV  "{r:…}:cell:"; the received_at (Unix ms) up to which they count as gone; at most so many at once
-- Gives the ids of those who were here, 16 bytes each; notes about couriers who had moved on go without a word.

local ids = redis.call('ZRANGE', KEYS[2], '-inf', ARGV[2], 'BYSCORE', 'LIMIT', 0, ARGV[3])
local gone = {}
for _, id in ipairs(ids) do
  local packed = redis.call('HGET', KEYS[1], id)
  local flags = packed and string.byte(packed, 63) or 128
  if flags < 128 then
    gone[#gone + 1] = id
    if flags % 2 == 1 then
      local a, b, c, d, e, f, g, h = string.byte(packed, 41, 48)
      local cell = string.format('%x%02x%02x%02x%02x%02x%02x%02x', h, g, f, e, d, c, b, a)
      redis.call('SREM', ARGV[1] .. cell, id)
    end
  end
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return gone
