-- For wrk: pings of PING_SLAVES slaves in turns, 10.0.0.1 and on, as a slave writes them. PING_CONNECTIONS=new closes
-- each connection after its ping, PING_DELAY_MS is each connection's pause before the next.
local slaves = tonumber(os.getenv("PING_SLAVES"))
local pause = tonumber(os.getenv("PING_DELAY_MS"))
local close = os.getenv("PING_CONNECTIONS") == "new"
local pings = {}
local n = 0
local digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
-- The address as a base-62 number: with another key than it had, a ping is news, and a pass is due.
local keyOf = function(left)
  local key = ""
  repeat
    local digit = left % 62
    key = digits:sub(digit + 1, digit + 1) .. key
    left = math.floor(left / 62)
  until left == 0
  return key
end
init = function()
  for i = 1, slaves do
    local ip = string.format("10.%d.%d.%d", math.floor(i / 65536), math.floor(i / 256) % 256, i % 256)
    local key = keyOf(10 * 16777216 + i)
    local body = string.format('{"app": "web", "id": "web-%d", "ip": "%s", "key": "%s", "payload": "", "role": "frontend"}', i - 1, ip, key)
    local headers = {["Content-Type"] = "application/json"}
    if close then headers["Connection"] = "close" end
    pings[i] = wrk.format("PUT", "/ping", headers, body)
  end
end
request = function()
  n = n % slaves + 1
  return pings[n]
end
if pause > 0 then
  delay = function() return pause end
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\nREPORT {"count": %d, "failed": %d, "durationMs": %.1f, "p50": %.3f, "p99": %.3f, "max": %.3f}\n',
    summary.requests, failed, summary.duration / 1000, latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
