#!/usr/bin/env bash
# Checks a recording with standard tools: bash, openssl, sha256sum, jq, xxd, zstd.
# Usage: bash verify.sh [folder [root]]   (the folder of one session; default: where this script is)
# root: the organisation's root key (countersign/org/...), from a source you trust. With it the evidence of the
# bundle is checked: who vouches for the session's key.
# It says what it does not check. Take this script from a source you trust, not from the bundle.
set -u
export LC_ALL=C
root_vkey=${2:-}
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

n_events=$n
# The evidence: root, trust notes, enrolment, the device's log.
b64() { openssl base64 -d -A; }
# A vkey's name, and its key as PEM; false where its hash is wrong.
vkey() {
  local rest=${1#*+}
  vkey_name=${1%%+*}
  vkey_hash=${rest%%+*}
  printf '%s' "${rest#*+}" | b64 >"$tmp/vkey.bin"
  [ "$(xxd -p -l 1 "$tmp/vkey.bin")" = 01 ] && [ "$(wc -c <"$tmp/vkey.bin")" -eq 33 ] || return 1
  [ "$({ printf '%s\n' "$vkey_name"; cat "$tmp/vkey.bin"; } | sha | cut -c1-8)" = "$vkey_hash" ] || return 1
  pem "$(tail -c +2 "$tmp/vkey.bin" | openssl base64 -A)" "$2"
}
# A note (file) signed by a vkey: the text is what stands before the last empty line.
signed() {
  vkey "$2" "$tmp/vkey.pem" || return 1
  local cut line
  cut=$(grep -n '^$' "$1" | tail -n 1 | cut -d: -f1)
  [ -n "$cut" ] || return 1
  head -n $((cut - 1)) "$1" >"$tmp/note.text"
  while IFS= read -r line; do
    [ "${line% *}" = "— $vkey_name" ] || continue
    printf '%s' "${line##* }" | b64 >"$tmp/note.sig"
    [ "$(xxd -p -l 4 "$tmp/note.sig")" = "$vkey_hash" ] || continue
    tail -c +5 "$tmp/note.sig" >"$tmp/note.sig64"
    openssl pkeyutl -verify -pubin -inkey "$tmp/vkey.pem" -rawin -in "$tmp/note.text" -sigfile "$tmp/note.sig64" >/dev/null 2>&1 && return 0
  done < <(tail -n +$((cut + 1)) "$1")
  return 1
}
# An entry (file) is in the log of a proof (file): RFC 9162 section 2.1.3.2. Leaves the checkpoint in $tmp/checkpoint.
included() {
  local fn sn hash line
  [ "$(head -n 1 "$2")" = "c2sp.org/tlog-proof@v1" ] || return 1
  local cut
  cut=$(grep -n '^$' "$2" | head -n 1 | cut -d: -f1)
  tail -n +$((cut + 1)) "$2" >"$tmp/checkpoint"
  fn=$(sed -n 's/^index \(0\|[1-9][0-9]*\)$/\1/p;2q' "$2")
  sn=$(($(sed -n 2p "$tmp/checkpoint") - 1))
  [ -n "$fn" ] && [ "$fn" -le "$sn" ] || return 1
  hash=$({ printf '\0'; cat "$1"; } | sha)
  while IFS= read -r line; do
    [ "$sn" -ne 0 ] || return 1
    line=$(printf '%s' "$line" | b64 | xxd -p -c 64)
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
      hash=$(node "$line" "$hash")
      while [ $((fn % 2)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
      hash=$(node "$hash" "$line")
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
  done < <(sed -n "3,$((cut - 1))p" "$2")
  [ "$sn" -eq 0 ] && [ "$hash" = "$(sed -n 3p "$tmp/checkpoint" | b64 | xxd -p -c 64)" ]
}
sha64() { openssl dgst -sha256 -binary "$1" | openssl base64 -A; }

if [ -n "$root_vkey" ] && [ -d evidence ]; then
  good=1
  prev=""
  n=0
  signer=$root_vkey
  for note in evidence/trust/*.note; do
    n=$((n + 1))
    [ "$(basename "$note")" = "$(printf '%06d.note' "$n")" ] || { fail "trust note $n is missing"; good=0; break; }
    signed "$note" "$signer" || { fail "trust note $n is not signed by the root"; good=0; break; }
    sed -n 2p "$note" >"$tmp/trust"
    [ "$(head -n 1 "$note")" = "countersign/trust/${root_vkey%%+*}" ] || [ "countersign/org/$(jq -r .org "$tmp/trust")" = "${root_vkey%%+*}" ] || { fail "trust note $n is of another organisation"; good=0; break; }
    [ "$(jq -r .n "$tmp/trust")" -eq "$n" ] && [ "$(jq -r .prev "$tmp/trust")" = "$prev" ] || { fail "trust note $n does not follow the one before"; good=0; break; }
    prev=$(sha64 "$note")
    signer=$(jq -r .root "$tmp/trust")
  done
  [ "$good" -eq 1 ] && ok "$n trust notes are signed by the root and follow each other"
  if included evidence/opened.json evidence/opened.tlog-proof; then
    ok "the log of the device holds the opening of this session"
  else
    fail "the log of the device does not hold the opening of this session"
  fi
  device=""
  for note in evidence/identity/????????.note; do
    [ -f "$note" ] || continue
    sed -n 2p "$note" >"$tmp/enrolment"
    key=$(jq -r .vkey "$tmp/enrolment")
    signed "$tmp/checkpoint" "$key" || continue
    [ "$(head -n 1 "$tmp/checkpoint")" = "${key%%+*}" ] || continue
    while read -r authority; do
      [ -n "$device" ] || ! signed "$note" "$authority" || device=$key
    done < <(printf '%s\n' "$signer"; jq -r '.authorities[] | select(.revoked == null) | .vkey' "$tmp/trust")
    jq -e --arg key "$key" '[.devices[] | select(.vkey == $key)] | length == 0' "$tmp/trust" >/dev/null || { fail "the key of the device was revoked"; device=""; }
  done
  if [ -n "$device" ]; then ok "an authority that the trust note names enrolled the key that signed the log"; else fail "no enrolment that counts names the key that signed the log"; fi
  if [ "$(jq -r .sid evidence/opened.json)" = "$sid" ] && [ "$(jq -r .key evidence/opened.json)" = "${keys[0]}" ] &&
    [ "$(jq -r .open evidence/opened.json)" = "$(head -n 1 "$tmp/events" | tr -d '\n' >"$tmp/open"; sha64 "$tmp/open")" ]; then
    ok "the session's key and its open event are those of the log"
  else
    fail "the session's key or its open event is not that of the log"
  fi
  if [ ! -f evidence/closed.json ]; then
    echo "        the log that came with it does not hold the end of the session"
  elif included evidence/closed.json evidence/closed.tlog-proof && signed "$tmp/checkpoint" "${device:-none}" && [ "$(jq -r .sid evidence/closed.json)" = "$sid" ] &&
    [ "$(jq -r .size evidence/closed.json)" -eq "$n_events" ] && [ "$(jq -r .sums evidence/closed.json)" = "$(sha64 SHA256SUMS)" ] &&
    [ "$(jq -r .root evidence/closed.json | b64 | xxd -p -c 64)" = "${roots[heads - 1]}" ]; then
    ok "the session's end is that of the log: it was not trimmed and closed again"
  else
    fail "the session's end is not that of the log"
  fi
  echo "not checked here: bindings by an identity provider, changes of a device's key, cosignatures, time stamps, and when a key counted (use \`countersign audit verify\`)"
else
  cat <<'END'
not checked here, since no root was given or the bundle holds no evidence:
  - that the session key is vouched for by an organisation root
  - that the recording was not trimmed and closed again: compare with a head that had left the machine
END
fi

cat <<'END'
not checked here:
  - units-*.bin, the bytes of requests and responses, against the digests in the events (use `countersign sessions verify`)
  - the field prev of events (the tree fixes their order)
  - what a compromised recorder left out before it was hashed: compare with the target's own log
END
exit "$bad"
