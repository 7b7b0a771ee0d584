-- Answers that point somewhere (`Location`, RFC 9110 section 10.2.2): where that is the service's own address, inside,
-- callers get a path of the gateway's instead, which they read relative to what they asked for. An address elsewhere
-- passes as it is.

local NAMES = { "location", "content-location" }

-- What follows `scheme://authority` if the authority is the service's own, else nil.
local function inside(text, own)
  local authority, rest = string.match(text, "^%s*[hH][tT][tT][pP][sS]?://([^/?#\\]*)(.*)$")
  if authority == nil then
    authority, rest = string.match(text, "^%s*//([^/?#\\]*)(.*)$")
  end
  if authority == nil then
    return nil
  end
  authority = string.lower(string.match(authority, "([^@]*)$"))
  for known in string.gmatch(own, "%S+") do
    if known == authority then
      return rest
    end
  end
  return nil
end

function envoy_on_response(handle)
  local context = handle:filterContext()
  local own, from, to = context:get("own"), context:get("from"), context:get("to")
  if own == nil then
    return
  end
  local headers = handle:headers()
  for _, name in ipairs(NAMES) do
    local text = headers:get(name)
    local rest = text ~= nil and inside(text, own) or nil
    if rest ~= nil then
      -- Two slashes at the start would name another host.
      local path, tail = string.match(rest, "^[/\\]*([^?#]*)(.*)$")
      path = "/" .. path
      if path == from or string.sub(path, 1, #from + 1) == from .. "/" then
        path = to .. string.sub(path, #from + 1)
      end
      headers:replace(name, path .. tail)
    end
  end
end
