#!/usr/bin/env bash
# Checks a recording with standard tools: bash, openssl, sha256sum, jq, xxd, zstd.
# Usage: bash verify.sh [folder]   (the folder of one session; default: where this script is)
# It says what it does not check. Take this script from a source you trust, not from the bundle.
set -u
export LC_ALL=C
cd "${1:-$(dirname "$0")}" || exit 2
for tool in openssl sha256sum jq xxd zstd; do
  command -v "$tool" >/dev/null || { echo "missing tool: $tool"; exit 2; }
done
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
bad=0
ok() { echo "ok      $*"; }
fail() { echo "FAILED  $*"; bad=1; }

# A public key of 32 bytes in base64, as PEM.
pem() {
  { printf '302a300506032b6570032100' | xxd -r -p; printf '%s' "$1" | openssl base64 -d -A; } >"$tmp/key.der"
  openssl pkey -pubin -inform DER -in "$tmp/key.der" -out "$2" 2>/dev/null
}
sha() { sha256sum | cut -c1-64; }
node() { printf '01%s%s' "$1" "$2" | xxd -r -p | sha; }

# Plaintext of what the sums name.
names=""
for file in heads-*.notes open.json seg-*.jsonl.zst; do
  [ -f "$file" ] || continue
  case "$file" in
    *.zst) plain=${file%.zst}; zstd -dcq "$file" >"$tmp/$plain" 2>/dev/null || fail "$file does not decompress" ;;
    *) plain=$file; cp "$file" "$tmp/$plain" ;;
  esac
  names="$names$plain
"
done
cat "$tmp"/seg-*.jsonl >"$tmp/events" 2>/dev/null
[ -s "$tmp/events" ] || { fail "there are no events"; exit 1; }

# Sums: every file that is there, and nothing else.
if [ "$(cut -c67- SHA256SUMS 2>/dev/null)" = "${names%?}" ] && (cd "$tmp" && sha256sum --strict --quiet -c - >/dev/null 2>&1) <SHA256SUMS; then
  ok "SHA256SUMS matches $(printf '%s' "$names" | wc -l) files"
else
  fail "SHA256SUMS does not match the files"
fi

# Keys: the open event names the first; a recovery after a crash goes on under its own.
keys=()
froms=()
while read -r seq key; do
  pem "$key" "$tmp/key-${#keys[@]}.pem" || fail "event $seq names no usable key"
  keys+=("$key")
  froms+=("$seq")
done < <(jq -r 'select(.type == "open" or .type == "recovered") | "\(.seq) \(.key)"' "$tmp/events")
count=${#keys[@]}
if [ "$count" -gt 0 ] && openssl pkeyutl -verify -pubin -inkey "$tmp/key-$((count - 1)).pem" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >/dev/null 2>&1; then
  ok "SHA256SUMS is signed by the key that closed the session"
else
  fail "the signature of SHA256SUMS is wrong"
fi
if [ "$(head -n 1 "$tmp/events")" = "$(cat open.json)" ] && [ "$(jq -r .type open.json)" = open ]; then
  ok "open.json is the first event"
else
  fail "open.json is not the first event"
fi
sid=$(jq -r .sid open.json)
if jq -e -n 'reduce inputs as $e (0; if . == $e.seq then . + 1 else -1000000000 end) > 0' "$tmp/events" >/dev/null; then
  ok "events are numbered without a gap"
else
  fail "events are not numbered without a gap"
fi

# Signatures of the heads.
cat "$tmp"/heads-*.notes >"$tmp/heads" 2>/dev/null
mapfile -t note <"$tmp/heads"
sizes=()
roots=()
wrong=0
for ((i = 0; i + 5 < ${#note[@]}; i += 6)); do
  size=${note[i + 1]}
  sizes+=("$size")
  roots+=("$(printf '%s' "${note[i + 2]}" | openssl base64 -d -A | xxd -p -c 64)")
  printf '%s\n%s\n%s\n' "${note[i]}" "$size" "${note[i + 2]}" >"$tmp/text"
  printf '%s' "${note[i + 4]##* }" | openssl base64 -d -A >"$tmp/sig"
  tail -c +5 "$tmp/sig" >"$tmp/sig64"
  k=-1
  for ((j = 0; j < count; j += 1)); do [ "${froms[j]}" -lt "$size" ] && k=$j; done
  [ "$k" -ge 0 ] && [ "${note[i]}" = "countersign/session/$sid" ] && [ -z "${note[i + 3]}" ] && [ -z "${note[i + 5]}" ] &&
    openssl pkeyutl -verify -pubin -inkey "$tmp/key-$k.pem" -rawin -in "$tmp/text" -sigfile "$tmp/sig64" >/dev/null 2>&1 ||
    { fail "the head over $size events has no good signature"; wrong=1; }
done
heads=${#sizes[@]}
if [ "$heads" -eq 0 ] || [ $((heads * 6)) -ne "${#note[@]}" ]; then
  fail "the heads are missing or have a torn tail"
elif [ "$wrong" -eq 0 ]; then
  ok "$heads heads are signed"
fi

# The tree (RFC 6962): complete subtrees as a stack of hashes and their sizes.
stack=()
leaves=()
n=0
h=0
root() {
  local i=$((${#stack[@]} - 1)) r
  r=${stack[i]}
  while ((--i >= 0)); do r=$(node "${stack[i]}" "$r"); done
  printf '%s' "$r"
}
wrong=0
before=""
total=$(wc -l <"$tmp/events")
while IFS= read -r line; do
  n=$((n + 1))
  [ "$n" -eq "$total" ] && [ "$n" -gt 1 ] && before=$(root)
  hash=$({ printf '\0'; printf '%s' "$line"; } | sha)
  size=1
  while [ "${#stack[@]}" -gt 0 ] && [ "${leaves[-1]}" -eq "$size" ]; do
    hash=$(node "${stack[-1]}" "$hash")
    size=$((size * 2))
    unset 'stack[-1]' 'leaves[-1]'
  done
  stack+=("$hash")
  leaves+=("$size")
  if [ "$h" -lt "$heads" ] && [ "${sizes[h]}" -eq "$n" ]; then
    [ "$(root)" = "${roots[h]}" ] || { fail "the head over $n events does not match them"; wrong=1; }
    h=$((h + 1))
  fi
done <"$tmp/events"
if [ "$h" -ne "$heads" ]; then fail "heads do not match the number of events"; elif [ "$wrong" -eq 0 ]; then ok "$heads tree roots match the events"; fi
if [ "$heads" -gt 0 ] && [ "${sizes[heads - 1]}" -eq "$n" ]; then ok "the last head covers all $n events"; else fail "events come after the last head"; fi

# The close event.
last=$(tail -n 1 "$tmp/events")
if [ "$(jq -r .type <<<"$last")" = close ] && [ "$(jq -r .size <<<"$last")" -eq $((n - 1)) ] &&
  [ "$(jq -r .root <<<"$last" | openssl base64 -d -A | xxd -p -c 64)" = "$before" ]; then
  ok "the session is $(jq -r .state <<<"$last"): $(jq -r '.reason | @json' <<<"$last")"
else
  fail "the session has no close event that matches"
fi

cat <<'END'
not checked here:
  - that the session key is vouched for by an organisation root
  - that the recording was not trimmed and closed again: compare with a head that had left the machine
  - units-*.bin, the bytes of requests and responses, against the digests in the events (use `countersign sessions verify`)
  - the field prev of events (the tree fixes their order)
  - what a compromised recorder left out before it was hashed: compare with the target's own log
END
exit "$bad"
