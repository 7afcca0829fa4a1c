local s = obj.status or {}
local op, sync, health = (s.operationState or {}).phase, (s.sync or {}).status, (s.health or {}).status
local known = sync == "Synced" or sync == "OutOfSync" and op
local settled = known and (op or "Succeeded") == "Succeeded" and not obj.operation
return {status = (settled or health == "Degraded") and health or "Progressing", message = ""}
