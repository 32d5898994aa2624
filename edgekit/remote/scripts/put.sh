# Makes file $1 of what comes in, whole or not at all. $2: its SHA-256; $3: its mode.
LC_ALL=C
export LC_ALL
folder=$(dirname "$1")
part=$folder/.$(basename "$1").part
if cat >"$part"; then
  came=$(sha256sum <"$part")
  if [ "${came%% *}" = "$2" ]; then
    chmod "$3" "$part" && mv -f "$part" "$1" && exit 0
  else
    echo "other bytes arrived than were sent" >&2
  fi
fi
rm -f "$part"
df -Pk "$folder" >&2
exit 1
