# Says, a line each, a name and what a Linux computer tells by it; nothing of what it does not tell.
# Of several lines of a name the first counts.
#
# $1: the folder that stands for /, empty for / itself.
LC_ALL=C
export LC_ALL
say() {
  [ -z "$2" ] || echo "$1 $2"
}

for file in /proc/device-tree/model /sys/class/dmi/id/product_name; do
  say machine "$(tr -d '[:cntrl:]' <"$1$file" | tr -s ' ')"
done
say machine "$(uname -m)"
say os "$(. "$1/etc/os-release" && echo "$PRETTY_NAME")"
say os "$(uname -s)"
say kernel "$(uname -r -m)"
policies=$1/sys/devices/system/cpu/cpufreq
say governor "$(cat "$policies"/policy*/scaling_governor | sort -u | xargs)"
say frequency_khz "$(cat "$policies"/policy*/scaling_cur_freq | sort -n | tail -n 1)"
say temperature_mc "$(cat "$1/sys/class/thermal/thermal_zone0/temp")"
# Of a Raspberry Pi: its firmware knows, and newer kernels' file is only as new as their last look.
say throttled "$(vcgencmd get_throttled)"
say throttled "$(cat "$1"/sys/devices/platform/soc*/soc*:firmware/get_throttled)"
exit 0
