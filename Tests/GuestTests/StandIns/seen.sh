#!/bin/bash
# A stand-in for the program by whose name it is called, for the tests of vault.sh: keeps what any process of the node
# can see of this one, its arguments and environment, and then is that program. Pauses are short, and kept.
/bin/cat /proc/$$/cmdline /proc/$$/environ >>/var/lab/seen
name=${0##*/}
if [ "$name" = sleep ]; then
  echo "$1" >>/var/lab/sleeps
  exec /bin/sleep 0.1
fi
PATH=/usr/bin:/usr/sbin:/bin:/sbin exec "$name" "$@"
