#!/bin/bash
# Talks to our server with the clients and proxies that people use; prints one line for each check and
# exits with 1 if any failed. `make interop` builds the server and runs this.
#
# Needs curl, python3 with requests, node 18 or later, nginx and haproxy
# (apt-get install nginx-light haproxy); what is missing is said and counted as failed.
set -uo pipefail
binary=$(realpath "${1:?say which server}")
cd "$(dirname "$0")"
work=$(mktemp -d)
chmod 755 "$work"  # nginx's workers are another user
children=()
cleanup() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
# Ports nobody has: asked of the kernel, all at once so that they differ.
read -r plain tls front_nginx front_haproxy < <(python3 -c '
import socket
s=[socket.socket() for _ in range(4)]
[x.bind(("127.0.0.1",0)) for x in s]
print(*[x.getsockname()[1] for x in s])')
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
"$binary" "$plain" & children+=($!)
"$binary" "$tls" "$work/cert.pem" "$work/key.pem" & children+=($!)
sed "s/@LISTEN@/$front_nginx/; s/@SERVER@/$plain/; s|@WORK@|$work|g" nginx.conf >"$work/nginx.conf"
sed "s/@LISTEN@/$front_haproxy/; s/@SERVER@/$plain/" haproxy.cfg >"$work/haproxy.cfg"
nginx -e "$work/nginx.log" -c "$work/nginx.conf" & children+=($!)
haproxy -f "$work/haproxy.cfg" >/dev/null 2>&1 & children+=($!)
for port in "$plain" "$front_nginx" "$front_haproxy"; do
  for _ in $(seq 100); do curl -sf -o /dev/null "http://127.0.0.1:$port/hello" && break; sleep 0.05; done
done
head -c 5000000 /dev/urandom >"$work/upload"

failed=0
check() { # NAME EXPECTED COMMAND…: the command's output must be what is expected
  local name=$1 expected=$2 output
  shift 2
  output=$("$@" 2>&1)
  if [ "$output" == "$expected" ]; then echo "ok    $name: $output"; else
    echo "FAILED $name: $(head -c 300 <<<"$output"), not $expected"
    failed=1
  fi
}
at() { echo "http://127.0.0.1:$1$2"; }
status='%{http_code} %{size_download}'
same() { cmp -s "$work/upload" "$work/back" && echo same || echo different; }

for where in "direct $plain" "nginx $front_nginx" "haproxy $front_haproxy"; do
  read -r via port <<<"$where"
  check "$via: curl --http1.1" "200 30000" curl -s --http1.1 -o /dev/null -w "$status" "$(at "$port" /text)"
  check "$via: curl --compressed" "30000" bash -c "curl -s --compressed '$(at "$port" /text)' | wc -c"
  check "$via: curl, known version" "304 0" curl -s -o /dev/null -w "$status" -H 'If-None-Match: "1"' "$(at "$port" /text)"
  check "$via: curl, HEAD" "200" curl -s -I -o /dev/null -w '%{http_code}' "$(at "$port" /text)"
  check "$via: curl, upload of 5 MB" "200 5000000" curl -s -o "$work/back" -w "$status" --data-binary @"$work/upload" "$(at "$port" /echo)"
  check "$via: curl, what came back" same same
  check "$via: curl, chunked upload" "200 5000000" bash -c "curl -s -o '$work/back' -w '$status' -H 'Transfer-Encoding: chunked' --data-binary @- '$(at "$port" /echo)' <'$work/upload'"
  check "$via: curl, what came back chunked" same same
  check "$via: curl, Expect: 100-continue" "200 5000000" curl -s -o "$work/back" -w "$status" -H 'Expect: 100-continue' --data-binary @"$work/upload" "$(at "$port" /echo)"
  check "$via: curl, ten requests on one connection" "1" bash -c "curl -s -o /dev/null -w '%{num_connects}\n' '$(at "$port" '/hello?[1-10]')' | awk '{ n += \$1 } END { print n }'"
  check "$via: curl, stream of 50 MB" "200 50000000" curl -s -o /dev/null -w "$status" "$(at "$port" /source/50000000)"
  check "$via: curl, events" "event: tick" bash -c "timeout 2 curl -sN '$(at "$port" /events)' | head -1"
  check "$via: curl, not found" "404" curl -s -o /dev/null -w '%{http_code}' "$(at "$port" /none)"
  check "$via: Python http.client" "200 30000 200 hi 404" python3 client.py "$port"
  check "$via: Python requests" "200 30000 gzip 200 5000000 304" python3 session.py "$port" "$work/upload"
  check "$via: Node fetch" "200 30000 200 1000000 404" node fetch.mjs "$port"
done
check "direct: curl over TLS 1.2" "200 30000" curl -s --tls-max 1.2 --cacert "$work/cert.pem" -o /dev/null -w "$status" "https://localhost:$tls/text"
check "direct: curl over TLS 1.3" "200 30000" curl -s --tlsv1.3 --cacert "$work/cert.pem" -o /dev/null -w "$status" "https://localhost:$tls/text"
check "direct: curl, upload over TLS" "200 5000000" curl -s --cacert "$work/cert.pem" -o "$work/back" -w "$status" --data-binary @"$work/upload" "https://localhost:$tls/echo"
check "direct: curl, what came back over TLS" same same
check "direct: curl --expect100 timed" "HTTP/1.1 100 Continue" bash -c "curl -sv -H 'Expect: 100-continue' --data-binary hi '$(at "$plain" /echo)' 2>&1 | sed -n 's/^< \(HTTP.1.1 100 Continue\).*/\1/p' | tr -d '\r'"
curl --version | head -1; python3 --version; python3 -c 'import requests; print("requests", requests.__version__)'
node --version; nginx -v 2>&1; haproxy -v | head -1
exit "$failed"
