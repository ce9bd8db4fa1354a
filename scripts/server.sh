# Shared by the scripts that start, stop and use the server. Source it after lib.sh.
# shellcheck shell=bash

# The server's data folder, chosen like in the program itself.
DATA=${JEROBOAM_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/jeroboam}
PID_FILE=$DATA/up.pid
# shellcheck disable=SC2034 # the scripts that source this use it
SERVER_LOG=$DATA/up.log
LISTEN=${JEROBOAM_LISTEN:-127.0.0.1:9511}

# The commands below use this server, whatever clouds the calling shell has configured.
export OS_CLIENT_CONFIG_FILE=$DATA/clouds.yaml
unset OS_CLOUD OS_AUTH_URL

# server_pid: the process id of the running server that server-up started.
server_pid() {
    local pid
    pid=$(cat "$PID_FILE" 2>/dev/null) || return 1
    # The process id may belong to another process by now, for instance after a reboot.
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = jeroboam ] || return 1
    echo "$pid"
}

server_answers() { curl --silent --fail --max-time 5 --noproxy '*' --output /dev/null "http://$LISTEN/healthcheck"; }
