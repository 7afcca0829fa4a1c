return obj.status and obj.status.health or {status = "Progressing", message = ""}
