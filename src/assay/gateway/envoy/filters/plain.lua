-- Judges the plainest requests without asking the inspector: a small body of JSON in ASCII without escapes, whose
-- schema is of simple kinds, and whose free texts cannot match any rule. Everything here is narrower than what the
-- inspector allows. What does not fit is not refused but asked about: the filter after this one puts every request
-- to the inspector that this one has not marked. An error here marks nothing.

-- Nothing here that matters can be compiled, patterns least of all; each attempt would cost more than a request.
require("jit").off()

local byte, find, gmatch = string.byte, string.find, string.gmatch
local lower, match, sub = string.lower, string.match, string.sub

local DIGEST = --DIGEST--
-- 1: a rule may rest on the word alone; 2: on the word and a number.
local WORDS = --WORDS--
-- Words that begin a statement or a command after a semicolon.
local FIRST = --FIRST--
-- What the values of some headers must look like.
local HEADERS = --HEADERS--
-- What plain bodies look like, by operation: `assay.gateway.envoy.plainness` says how.
local OPERATIONS = --OPERATIONS--

local function harmless(text)
  if find(text, "[^%w .,:;!?-]") or find(text, "--", 1, true) or find(text, "..", 1, true) or find(text, ":[^ ]") then
    return false
  end
  local digit = find(text, "%d")
  if digit and find(text, "%d%.%d") then
    return false
  end
  local folded = lower(text)
  if find(folded, "document.", 1, true) then
    return false
  end
  if find(folded, ";", 1, true) then
    for word in gmatch(folded, "; *([a-z]*)") do
      if word == "" or FIRST[word] then
        return false
      end
    end
  end
  for word in gmatch(folded, "%w+") do
    local kind = WORDS[word]
    if kind == 1 or (kind == 2 and digit) then
      return false
    end
  end
  return true
end

-- The first character at or after `at` that is no white space, and its place.
local function skip(body, at)
  local character = byte(body, at)
  while character == 32 or character == 10 or character == 13 or character == 9 do
    at = at + 1
    character = byte(body, at)
  end
  return at, character
end

-- Each kind of value: where it ends, or nil when it is not plain.
local KINDS = {}

local function value(body, at, node)
  if node.null and sub(body, at, at + 3) == "null" then
    return at + 4
  end
  return KINDS[node.kind](body, at, node)
end

function KINDS.boolean(body, at)
  if sub(body, at, at + 3) == "true" then
    return at + 4
  end
  return sub(body, at, at + 4) == "false" and at + 5 or nil
end

function KINDS.number(body, at, node)
  local _, stop = find(body, node.whole and "^-?%d+" or "^-?%d+%.?%d*", at)
  if not stop or stop - at >= 15 or find(body, "^-?0%d", at) or find(body, "^-0", at) or byte(body, stop) == 46 then
    return nil
  end
  local number = tonumber(sub(body, at, stop))
  if (node.least and number < node.least) or (node.most and number > node.most)
    or (node.above and number <= node.above) or (node.below and number >= node.below) then
    return nil
  end
  return stop + 1
end

-- A part of each format.
local SHAPES = {}

function SHAPES.email(text)
  return #text <= 60 and find(text, "^%w[%w._-]*%w@%w[%w.]*%.%a%a+$") and not find(text, "..", 1, true)
end

function SHAPES.uuid(text)
  return #text == 36 and find(text, "^%x+%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$")
end

function SHAPES.date(text)
  local month, day = match(text, "^[12]%d%d%d%-(%d%d)%-(%d%d)$")
  return month and month >= "01" and month <= "12" and day >= "01" and day <= "28"
end

SHAPES["date-time"] = function(text)
  local hour, minute, second = match(text, "^..........T(%d%d):(%d%d):(%d%d)Z$")
  return hour and hour <= "23" and minute <= "59" and second <= "59" and SHAPES.date(sub(text, 1, 10))
end

function KINDS.string(body, at, node)
  local _, stop, text = find(body, '^"([^"\\%c\128-\255]*)"', at)
  if not stop or #text < node.least or #text > node.most
    or (node.values and not node.values[text])
    or (node.pattern and not find(text, node.pattern))
    or (node.shape and not SHAPES[node.shape](text))
    or (node.free and not harmless(text)) then
    return nil
  end
  return stop + 1
end

function KINDS.array(body, at, node)
  local count, character = 0, byte(body, at)
  if character ~= 91 then
    return nil
  end
  at, character = skip(body, at + 1)
  while character ~= 93 do
    if count > 0 then
      if character ~= 44 then
        return nil
      end
      at = skip(body, at + 1)
    end
    at = value(body, at, node.items)
    if not at then
      return nil
    end
    count = count + 1
    at, character = skip(body, at)
  end
  return count >= node.least and count <= node.most and at + 1 or nil
end

function KINDS.object(body, at, node)
  local fields, seen, character = node.fields, {}, byte(body, at)
  if character ~= 123 then
    return nil
  end
  at, character = skip(body, at + 1)
  while character ~= 125 do
    if next(seen) then
      if character ~= 44 then
        return nil
      end
      at = skip(body, at + 1)
    end
    local _, stop, name = find(body, '^"([%w_-]+)"', at)
    local below = stop and not seen[name] and fields[name]
    if not below then
      return nil
    end
    seen[name] = true
    at, character = skip(body, stop + 1)
    if character ~= 58 then
      return nil
    end
    at = value(body, (skip(body, at + 1)), below)
    if not at then
      return nil
    end
    at, character = skip(body, at)
  end
  for _, name in ipairs(node.required) do
    if not seen[name] then
      return nil
    end
  end
  return at + 1
end

local function plain(body, node)
  local at = value(body, (skip(body, 1)), node)
  return at ~= nil and (skip(body, at)) == #body + 1
end

-- A worker judges by itself only while there are so MANY requests in a STRETCH (of milliseconds) that it is worth
-- while. At the beginning of each stretch one request asks whether the inspector lives and has this very policy; with
-- that, the worker is trusted for two stretches. So an inspector that is gone closes the gateway for plain requests too.
local STRETCH, MANY = --STRETCH--, --MANY--
local began, count, trusted = 0, 0, 0
local QUESTION = { [":method"] = "GET", [":path"] = "/status", [":authority"] = "inspector" }
local ANSWER = '"digest":"' .. DIGEST .. '"'

local function inspector_lives(handle)
  local headers, said = handle:httpCall("assay.inspector", QUESTION, nil, 1000)
  return headers[":status"] == "200" and said ~= nil and find(said, ANSWER, 1, true) ~= nil
end

local function in_charge(handle)
  local now = tonumber(tostring(handle:timestamp()))
  if now >= began and now - began < STRETCH then
    count = count + 1
    return now < trusted
  end
  local many = count >= MANY and now >= began and now - began < 2 * STRETCH
  began, count = now, 1
  if many then
    trusted = inspector_lives(handle) and now + 2 * STRETCH or 0
  else
    trusted = 0
  end
  return false
end

-- Whether neither target nor headers need a closer look. The inspector searches every header for lookups (`${`).
local function ordinary(headers)
  local types = 0
  for name, line in pairs(headers) do
    local wanted = HEADERS[name]
    if find(line, "${", 1, true) or (wanted and not find(line, wanted)) then
      return false
    end
    if name == "content-type" then
      types = types + 1
    end
  end
  return types == 1
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local node = OPERATIONS[headers:get("x-assay-operation")]
  if node == nil or not in_charge(handle) or not ordinary(headers) then
    return
  end
  local body = handle:body()
  if body ~= nil and body:length() <= node.size and plain(body:getBytes(0, body:length()), node) then
    handle:streamInfo():dynamicMetadata():set("envoy.filters.http.ext_authz", "x-assay-decision", "plain")
  end
end
