-- For wrk: pings of 1,000 slaves, as a slave writes them. PING_CONNECTIONS=new closes each connection after its ping.
local close = os.getenv("PING_CONNECTIONS") == "new"
local pings = {}
for n = 0, 999 do
  local ip = string.format("10.0.%d.%d", math.floor(n / 250), n % 250 + 1)
  local body = string.format('{"app": "web", "id": "web-%d", "ip": "%s", "key": "a", "payload": "", "role": "frontend"}', n, ip)
  local headers = {["Content-Type"] = "application/json"}
  if close then headers["Connection"] = "close" end
  pings[n] = {body = body, headers = headers}
end
local n = 0
request = function()
  n = (n + 1) % 1000
  return wrk.format("PUT", "/ping", pings[n].headers, pings[n].body)
end
