#!/bin/sh
# A STAND-IN FOR K3S' INSTALL SCRIPT, for tests. Like the real one it leaves a unit, its environment file and a link
# called kubectl; it downloads nothing and starts nothing, so it asks to be told so.
set -eu
echo '[INFO]  this is a stand-in for the install script of K3s, for tests'
[ "${INSTALL_K3S_SKIP_DOWNLOAD:-}" = true ] || { echo '[ERROR]  the stand-in cannot download' >&2 && exit 1; }
[ "${INSTALL_K3S_SKIP_START:-}" = true ] || { echo '[ERROR]  the stand-in does not start K3s' >&2 && exit 1; }

k3s=${INSTALL_K3S_BIN_DIR:-/usr/local/bin}/k3s
[ -x "$k3s" ] || { echo "[ERROR]  Executable k3s binary not found at $k3s" >&2 && exit 1; }
command=${INSTALL_K3S_EXEC:-server}
case $command in
  server*) unit='k3s' ;;
  agent*) unit='k3s-agent' ;;
  *) echo "[ERROR]  the stand-in installs a server or an agent, not '$command'" >&2 && exit 1 ;;
esac
folder=/etc/systemd/system

echo "[INFO]  env: Creating environment file $folder/$unit.service.env"
: >"$folder/$unit.service.env"
chmod 0600 "$folder/$unit.service.env"
env | grep -E '^(K3S_|CONTAINERD_|[A-Za-z_]*_(PROXY|proxy)=)' | grep -v '^K3S_\(URL\|TOKEN\)=$' >"$folder/$unit.service.env" || :

echo "[INFO]  systemd: Creating service file $folder/$unit.service"
cat >"$folder/$unit.service" <<EOF
[Unit]
Description=Lightweight Kubernetes: a stand-in for tests
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-$folder/$unit.service.env
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=$k3s $command
EOF

[ -e "${k3s%/*}/kubectl" ] || ln -s k3s "${k3s%/*}/kubectl"
echo "[INFO]  systemd: Enabling $unit unit"
systemctl enable "$folder/$unit.service"
systemctl daemon-reload
