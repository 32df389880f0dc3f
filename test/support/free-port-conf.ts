// A moonraker.conf for servers that tests start as programs.

/** Listens on a free port of loopback, and needs nothing of the machine or the network. */
export const FREE_PORT_CONF = `[server]
host: 127.0.0.1
port: 0
ssl_port: 0
[authorization]
trusted_clients: 127.0.0.1
[machine]
provider: none
[announcements]
enable_moonlight: False
`
