# Runs a program: its words after those that a login shell may have said, and its exit code;
# 128 + n if signal n ended it, which ssh itself would not tell.
echo "$EDGEKIT_REMOTE"
"$@"
exit "$?"
