#!/usr/bin/env bash
# Rehearses a restore to a point in time with this machine's PostgreSQL: a cluster of its own, a base
# backup, changes, a disaster, and the way back to the second before it. Nothing else is touched.
set -euo pipefail
folder=$(mktemp -d /var/tmp/anyway-backup-XXXXXX)
bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)
port=${PORT:-15499}
as=()
if [ "$(id -u)" -eq 0 ]; then
  chown postgres: "$folder"
  as=(setpriv --reuid=postgres --regid=postgres --init-groups --)
fi
on() { "${as[@]}" env -C "$folder" "$@"; }
sql() { on psql -XqtA -h "$folder" -p "$port" -U postgres -v ON_ERROR_STOP=1 -c "$1"; }
start() { on "$bin/pg_ctl" -D "$folder/$1" -o "-p $port -k $folder -c listen_addresses=''" -l "$folder/$1.log" -w -t 60 start >/dev/null; }
stop() { on "$bin/pg_ctl" -D "$folder/$1" -m fast -w stop >/dev/null 2>&1 || true; }
trap 'stop main; stop restored; rm -rf "$folder"' EXIT

on "$bin/initdb" -D "$folder/main" -U postgres --auth=trust >/dev/null
on mkdir "$folder/archive"
# What docs/deploy.md adds to a server that is to be backed up.
on tee -a "$folder/main/postgresql.conf" >/dev/null <<SETTINGS
archive_mode = on
archive_command = 'test ! -f $folder/archive/%f && cp %p $folder/archive/%f'
archive_timeout = 60
SETTINGS
start main
sql "CREATE TABLE orders (id int PRIMARY KEY, total_cents bigint NOT NULL)"
sql "INSERT INTO orders SELECT n, n * 100 FROM generate_series(1, 1000) AS n"
on "$bin/pg_basebackup" -h "$folder" -p "$port" -U postgres -D "$folder/restored" -X none --checkpoint=fast >/dev/null 2>&1
echo "base backup taken with $(sql 'SELECT count(*) FROM orders') orders"
sql "INSERT INTO orders SELECT n, n * 100 FROM generate_series(1001, 1500) AS n"
expected=$(sql "SELECT count(*) || ' orders, ' || sum(total_cents) || ' cents' FROM orders")
sleep 1
moment=$(sql "SELECT now()")
sleep 1
sql "DELETE FROM orders WHERE id > 10"
sql "SELECT pg_switch_wal()" >/dev/null
for _ in $(seq 100); do
  [ "$(sql "SELECT coalesce(last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216), false) FROM pg_stat_archiver")" = t ] && break
  sleep 0.1
done
echo "disaster: $(sql 'SELECT count(*) FROM orders') orders are left"
stop main

on tee -a "$folder/restored/postgresql.conf" >/dev/null <<SETTINGS
archive_mode = off
restore_command = 'cp $folder/archive/%f %p'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
SETTINGS
on touch "$folder/restored/recovery.signal"
began=$(date +%s%N)
start restored
for _ in $(seq 300); do
  [ "$(sql 'SELECT pg_is_in_recovery()')" = f ] && break
  sleep 0.1
done
found=$(sql "SELECT count(*) || ' orders, ' || sum(total_cents) || ' cents' FROM orders")
echo "restored to $moment in $((($(date +%s%N) - began) / 1000000)) ms: $found"
[ "$found" = "$expected" ] || { echo "FAIL  expected $expected"; exit 1; }
echo "PASS"
