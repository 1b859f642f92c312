-- The next owner number of a courier.                                         Keys: see geo/courier_index.py
--
-- KEYS  {p:…}:owner
-- ARGV  the courier's id, 16 bytes
--
-- Numbers are moments (Unix µs, below 2^53), so that they keep growing even when Redis has lost everything; two
-- claims within a microsecond, or after the clock was set back, still differ.

local now = redis.call('TIME')
local moment = now[1] * 1000000 + now[2]
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local owner = math.max(moment, before + 1)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', owner))
return owner
