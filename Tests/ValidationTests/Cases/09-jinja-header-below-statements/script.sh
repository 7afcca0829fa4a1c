## template: jinja
#!/bin/sh
set -e
echo {{ v1.region }}
