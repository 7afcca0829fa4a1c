#!/bin/bash
# A stand-in for the program by whose name it is called, for the tests of vault.sh: keeps what any process of the node
# can see of this one, its arguments and environment, and then is that program. Pauses are short, and kept.
/bin/cat /proc/$$/cmdline /proc/$$/environ >>/var/lab/seen
name=${0##*/}
if [ "$name" = sleep ]; then
  echo "$1" >>/var/lab/sleeps
  exec /bin/sleep 0.1
fi
# What curl before 7.69 asks of itself for more than a kilobyte, unless it is told not to.
if [ "$name" = curl ] && [ -e /var/lab/old-curl ] && [[ " $* " = *' --data-binary '* && " $* " != *' -H expect: '* ]]; then
  set -- -H 'Expect: 100-continue' "$@"
fi
PATH=/usr/bin:/usr/sbin:/bin:/sbin exec "$name" "$@"
