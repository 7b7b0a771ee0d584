-- API keys: the gateway knows only SHA-256 digests. A key is `ak_<id>_<secret>`; its id finds the record, and the
-- digest of the whole text must match it. All eight words are compared, so the time taken tells nothing.
-- Anything unexpected leaves no identity behind, and the filters after this one refuse a call without identity.

local bit = require("bit")
local band, bor, bxor, bnot = bit.band, bit.bor, bit.bxor, bit.bnot
local rshift, lshift, ror, tobit = bit.rshift, bit.lshift, bit.ror, bit.tobit

local K = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

-- FIPS 180-4, section 6.2, over 32-bit words.
local function sha256(text)
  local length = #text
  local padded = text .. "\128" .. string.rep("\0", (55 - length) % 64)
    .. string.char(0, 0, 0, 0, band(rshift(length, 21), 255), band(rshift(length, 13), 255), band(rshift(length, 5), 255), band(lshift(length, 3), 255))
  local h0, h1, h2, h3 = 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a
  local h4, h5, h6, h7 = 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
  local w = {}
  for start = 1, #padded, 64 do
    for i = 0, 15 do
      local a, b, c, d = string.byte(padded, start + i * 4, start + i * 4 + 3)
      w[i] = bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
    end
    for i = 16, 63 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
      local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
      w[i] = tobit(w[i - 16] + s0 + w[i - 7] + s1)
    end
    local a, b, c, d, e, f, g, h = h0, h1, h2, h3, h4, h5, h6, h7
    for i = 0, 63 do
      local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
      local ch = bxor(band(e, f), band(bnot(e), g))
      local t1 = tobit(h + s1 + ch + K[i + 1] + w[i])
      local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
      local maj = bxor(band(a, b), band(a, c), band(b, c))
      h, g, f, e = g, f, e, tobit(d + t1)
      d, c, b, a = c, b, a, tobit(t1 + s0 + maj)
    end
    h0, h1, h2, h3 = tobit(h0 + a), tobit(h1 + b), tobit(h2 + c), tobit(h3 + d)
    h4, h5, h6, h7 = tobit(h4 + e), tobit(h5 + f), tobit(h6 + g), tobit(h7 + h)
  end
  return h0, h1, h2, h3, h4, h5, h6, h7
end

local function same(record, text)
  local a, b, c, d, e, f, g, h = sha256(text)
  return bor(
    bxor(a, record[1]), bxor(b, record[2]), bxor(c, record[3]), bxor(d, record[4]),
    bxor(e, record[5]), bxor(f, record[6]), bxor(g, record[7]), bxor(h, record[8])
  ) == 0
end

-- Records: eight words of the digest, not before, expires (Unix seconds), consumer.
local RECORDS = {
--RECORDS--
}
local HEADERS = { --HEADERS-- }
local NOBODY = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "" }

function envoy_on_request(handle)
  local headers = handle:headers()
  for _, name in ipairs(HEADERS) do
    local text = headers:get(name)
    if text ~= nil and headers:getNumValues(name) == 1 and #text <= 128 then
      local record = RECORDS[string.match(text, "^ak_([A-Za-z0-9]+)_") or ""] or NOBODY
      local now = tonumber(tostring(handle:timestamp())) / 1000
      if same(record, text) and record ~= NOBODY and record[9] <= now and now < record[10] then
        local metadata = handle:streamInfo():dynamicMetadata()
        metadata:set("assay", "consumer", record[11])
        metadata:set("assay", "key", string.match(text, "^ak_([A-Za-z0-9]+)_"))
      end
    end
  end
end
