# Ends every process that has $1 in its environment, which those that it starts inherit.
round=0
while [ "$round" -lt 30 ]; do
  found=$(grep -slF -e "$1" /proc/[0-9]*/environ)
  [ -n "$found" ] || break
  for environ in $found; do
    process=${environ#/proc/}
    kill -KILL "${process%/environ}" 2>/dev/null
  done
  sleep 0.1
  round=$((round + 1))
done
