/// What `stack help` prints.
enum Usage {
    static let text = """
        stack: the whole platform on one machine, without Docker

          stack up [--lean] [--replicas order=2,product=3] [--port 8080] [--detach] [--supervise]
                   [--https-port 8443] [--faults] [--set NAME=value] [--executables DIR]
                                  start PostgreSQL and every service, wait until healthy
          stack down [--wipe]     stop what was started; --wipe also removes the data
          stack ps                processes with pid, ports, memory and restarts
          stack status [--json]   health, memory, open breakers, unfinished sagas
          stack logs [NAME] [-f] [-n 200]
                                  what the processes wrote; -f follows
          stack kill NAME…        SIGKILL; NAME is order, order.2 or postgres
          stack pause NAME…       SIGSTOP: there, but silent
          stack resume NAME…      SIGCONT
          stack start NAME…       start again what was killed, on the same ports
          stack restart NAME…     stop gently, start again
          stack fault NAME JSON   inject a fault (the stack must be up with --faults), such as
                                  '{"latency_ms":300}'; see docs/faults.md
          stack fault NAME        faults and how often they did something; --clear ends them
          stack verify [--json] [--wait SECONDS] [--history FILE] [--databases FILE]
                                  do money, stock, orders and events add up, and with what
                                  clients saw (load --history FILE)? exit 1 if not;
                                  --databases for a stack elsewhere: ORDER_DATABASE_URL=… lines
          stack events            where consumers of events stand, and what they could not apply;
                                  exit 1 if anything waits for you
          stack replay SUBJECT    apply an order's events that were set aside, in their order
          stack crash [--seed 1] [--case CASE [--times N]] [--sample N] [--pairs N] [--only order,…]
                      [--verbose] [--first] [--keep] [--executables DIR]
                                  break a checkout of a stack of its own at every point there is
          stack env               ports, database URLs and certificate paths as KEY=value
          stack provision DIR     certificates, secrets and roles for a stack in containers
          stack help              this page

        Every command takes --data DIR (default .anyway): one folder is one stack, and several run
        side by side with different --data and --port.
          --lean        one process of each service
          --https-port  where the gateway speaks TLS, by a certificate of .anyway's own authority;
                        363 above --port, and left out when that port is taken
          --detach      return once healthy; the stack keeps running
          --supervise   start killed processes again; without it they stay dead, so you can watch
          --faults      let processes take injected faults
          --set         a variable for every service, such as LOG_LEVEL=debug, or for some alone:
                        order.2:LOG_LEVEL=debug, postgres:TZ=UTC
          --executables where the services' programs are (default: next to stack)

        Exit codes: 0 done, 1 no, 64 wrong words, 69 something needed does not answer.

        """
}
