# shellcheck shell=bash
# Secrets from OCI Vault, as the instance principal that this node is. The steps are those of Oracle's own Python
# SDK (2.189.0): certificates from the metadata service, a token for a session key of our own from the
# federation service, and with both the secret bundle.
#
# It needs what Ubuntu's and Debian's cloud images carry: bash, coreutils, iproute2, curl, and openssl's command,
# which comes with ca-certificates. Bash reads the JSON too: all that is taken from it is base64, a JSON Web Token
# or a plain name, none of which JSON has to escape, and what has any other character is no answer. Python would
# do it as well, and start more slowly than the services answer.
#
# Keys, tokens and values stay in the memory of a subshell and in pipes. They reach curl and openssl through
# process substitution: never as an argument, in the environment or, as a here-document might, in a file.

# fetch_references FOLDER: for each word name=OCID or name=OCID?query of $K3SEED_VAULT the exact bytes of that
# secret, as the file FOLDER/name; those that are there already are left. What waiting cannot heal ends it by `die`,
# all else by exit 1 after a line that says why; the caller tries again. Nothing of a failed try is used again but
# whole files: a token from before the dynamic group was there stays worthless until it expires, and certificates are
# rotated.
fetch_references() {
  folder=$1 subject='' data='' skew=0
  read -ra references <<<"$K3SEED_VAULT"
  for reference in "${references[@]}"; do
    [[ $reference =~ ^[a-z0-9_]+=ocid1\.vaultsecret\.[A-Za-z0-9._-]+(\?[A-Za-z0-9._~%=\&-]+)?$ ]] ||
      die 'K3SEED_VAULT is not a list of name=ocid1.vaultsecret...; render again'
  done
  echo 'fetching secrets from OCI Vault'
  umask 077
  federate
  for reference in "${references[@]}"; do
    name=${reference%%=*} reference=${reference#*=}
    [ -e "$folder/$name" ] || retrieve
  done
}

# retry WHY: ends this try. OCI lets the clocks differ by 5 minutes.
retry() {
  why=$subject$1
  ((skew < 300)) || why+="; this clock is $skew s ahead of OCI's, set it"
  ((skew > -300)) || why+="; this clock is ${skew#-} s behind OCI's, set it"
  echo "${why//[^[:print:]]/ }"
  sleep $((after < 60 ? after : 60))
  exit 1
}

# call SERVICE URL OPTION...: sends $scheme and $proof as authorization, $headers, and $data if any; sets $body to what
# comes with status 200.
call() {
  host=${2#*://} status=0 after=0
  host=${host%%/*}
  # -q: without .curlrc. What curl says comes last, and may have more than one line.
  body=$(curl -q -gisS --http1.1 --suppress-connect-headers --connect-timeout 10 -m 20 \
    -H @<(printf '%s: %s %s\n' authorization "$scheme" "$proof" && printf '%s\n' "${headers[@]}") \
    "${@:3}" "$2" 2>&1 < <(printf %s "$data")) || status=-$?
  if ((status)); then
    why=${body##*curl: } why=${why%%$'\n'*}
  else
    head=${body%%$'\r\n\r\n'*}
    body=${body#"$head"} head=${head,,} status=${head:9:3}
    [[ ! $head =~ $'\n'"date: "([^$'\r']*) ]] ||
      skew=$((EPOCHSECONDS - $(date -d "${BASH_REMATCH[1]}" +%s || echo $EPOCHSECONDS)))
    [[ ! $head =~ $'\n'"retry-after: "([0-9]{1,9}) ]] || after=$((10#${BASH_REMATCH[1]}))
    [ "$status" != 200 ] || return 0
    why="answers $status"
    for part in code message; do
      [[ ! $body =~ \"$part\"\ *:\ *\"([^\"]*) ]] || why+=", ${BASH_REMATCH[1]:0:200}"
    done
  fi
  why="$host ${why%.}"
  case $1$status in
    metadata*) why+='; is this an instance of OCI?' ;;
    vault400) die "$subject$why; check the reference" ;;
    vault404) why+="; let the node's dynamic group read secret-bundles, and check OCID and version" ;;
    *-35 | *-60) why+='; check its certificate, and the clock' ;;
    *-*) why+='; check network, DNS and proxy' ;;
  esac
  retry "$why"
}

# field NAME VARIABLE: that string of the answer, which must be there to its end.
field() {
  [[ $body =~ \"$1\"[[:space:]]*:[[:space:]]*\"([A-Za-z0-9+/=._-]*)\".*\}$ ]] || retry "$host gives no ${1##*\"}"
  printf -v "$2" %s "${BASH_REMATCH[1]}"
}

# armour PEM VARIABLE: the base64 of its first block.
armour() {
  set -- "${1#*-----B*-----}" "$2"
  set -- "${1%%-----E*}" "$2"
  printf -v "$2" %s "${1//[$'\r\n']/}"
}

# identity PATH: asks the metadata service, and never through a proxy.
identity() { call metadata "$metadata/$1" --noproxy '*'; }

# signed KEY KEY-ID SERVICE METHOD URL HEADER...: a call with signed headers.
signed() {
  headers=("date: $(date -u '+%a, %d %b %Y %T GMT')" "${@:6}") names='date (request-target)'
  text=${headers[0]}$'\n'"(request-target): $4 /${5#*://*/}"
  for header in "${@:6}"; do
    text+=$'\n'$header names+=" ${header%%:*}"
  done
  signature=$(openssl dgst -sha256 -sign <(printf %s "$1") 2>/dev/null < <(printf %s "$text") | base64 -w 0) ||
    retry 'openssl cannot sign'
  scheme=Signature proof="version=\"1\",algorithm=\"rsa-sha256\",headers=\"$names\""
  proof+=",keyId=\"$2\",signature=\"$signature\""
  # curl before 7.69 asks for "100 Continue" above 1 KiB, which -i would show as the answer.
  # shellcheck disable=SC2086 # Four words, or none.
  call "$3" "$5" ${data:+-H expect: --data-binary @-}
}

# shellcheck disable=SC2154 # field and armour set variables by their names.
# Sets $region, $domain, $session (a private key) and $token (which is good with that key alone).
federate() {
  address=169.254.169.254 headers=() proof=Oracle scheme=Bearer
  ip -4 route get $address >/dev/null 2>&1 || address='[fd00:c1::a9fe:a9fe]'
  metadata=${K3SEED_OCI_METADATA_URL:-http://$address/opc/v2}
  identity instance/regionInfo
  field regionIdentifier region
  field realmDomainComponent domain
  identity identity/intermediate.pem
  armour "$body" intermediate
  identity identity/key.pem
  leaf=$body
  identity identity/cert.pem
  armour "$body" certificate
  about=$(openssl x509 -noout -subject -fingerprint -sha1 2>/dev/null < <(printf %s "$body")) || :
  [[ $about =~ opc-(tenant|identity):([A-Za-z0-9._-]+) ]] || retry "$host gives no certificate of an instance"
  id=${BASH_REMATCH[2]}/fed-x509/${about##*=}
  session=$(openssl genrsa 2048 2>/dev/null)
  armour "$(openssl pkey -pubout < <(printf %s "$session"))" public
  data="{\"certificate\":\"$certificate\",\"publicKey\":\"$public\",\"intermediateCertificates\":[\"$intermediate\"]}"
  signed "$leaf" "$id" federation post "${K3SEED_OCI_FEDERATION_URL:-https://auth.$region.$domain}/v1/x509" \
    "content-length: ${#data}" 'content-type: application/json' \
    "x-content-sha256: $(openssl dgst -sha256 -binary < <(printf %s "$data") | base64)"
  field token token
  data=
}

# shellcheck disable=SC2154
# Makes $folder/$name of what $reference refers to.
retrieve() {
  subject="secret $name: " part=$folder/.$name
  [[ $reference = *\?* ]] || reference+='?stage=CURRENT'
  # The vault may be in another region than the node.
  url=${K3SEED_OCI_SECRETS_URL:-https://secrets.vaults.${K3SEED_OCI_REGION:-$region}.oci.$domain}
  host=${url#*://}
  signed "$session" "ST\$$token" vault get "$url/20190301/secretbundles/$reference" "host: ${host%%/*}"
  field 'secretBundleContent"[^}]*"content' value
  base64 -d < <(printf %s "$value") >"$part" 2>/dev/null || retry "$host gives no base64"
  check
  mv "$part" "$folder/$name"
}

# The rules that literal values have, as far as breaking them would show late or never. Nothing is mended: what is in
# the Vault is what the cluster gets.
check() {
  wrong=
  # read succeeds where there is a NUL.
  ! IFS= read -r -d '' value <"$part" || value=$'\1'
  case $name/$value in
    git_ssh_private_key/-----B*-----$'\n') ;;
    git_ssh_private_key/*) wrong='is not a private key with all its line breaks' ;;
    */) wrong='is empty' ;;
    */*[[:cntrl:]]* | */[[:space:]]* | *[[:space:]])
      wrong='has a line break or other control character, or white space at an end'
      ;;
    argocd_admin_password_hash/*)
      [[ $value =~ ^\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}$ ]] || wrong='is not a bcrypt hash'
      ;;
    cloudflare_api_token/*)
      [[ ! $value =~ ^(cfk_.*|[0-9a-f]{37})$ ]] ||
        wrong='is a Global API Key; create an API token with Zone-DNS-Edit and Zone-Zone-Read'
      ;;
  esac
  [ -z "$wrong" ] || { rm "$part" && die "secret $name in OCI Vault $wrong"; }
}
