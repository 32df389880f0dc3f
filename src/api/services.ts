// API document: "Machine Requests": services, power, and the password for sudo.
import { bool, choice, list, object, record, secret, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { endpoints } from './endpoint.ts'

const { get, post } = endpoints({ changingRole: 'admin' })

/** The state of a service, in the terms of systemd. */
export const ServiceState = object({
  active_state: string().describe('Such as active, inactive, failed'),
  sub_state: string().describe('Such as running, dead, exited'),
})

/** The parameter of notify_service_state_changed. */
export const ServiceStateChange = record(ServiceState)

/** The parameter of notify_sudo_alert. The API document has two names for the second field; both exist. */
export const SudoAlert = object({
  sudo_requested: bool(),
  sudo_messages: list(string()).describe('Tasks that wait for a password'),
  request_messages: list(string()).describe('The same as sudo_messages'),
})

const ok = choice('ok')
const service = { service: string().describe('Its name, without .service') }

export const services = chapter({
  title: 'Machine: Services and Power',
  about: 'Services of the system, shutdown and reboot, sudo',
  methods: {
    'machine.services.restart': post('/machine/services/restart', {
      summary: 'Restart a service; the server replies before it restarts its own',
      params: service,
      result: ok,
    }),
    'machine.services.stop': post('/machine/services/stop', {
      summary: "Stop a service, except the server's own",
      params: service,
      result: ok,
    }),
    'machine.services.start': post('/machine/services/start', {
      summary: 'Start a service',
      params: service,
      result: ok,
    }),
    'machine.shutdown': post('/machine/shutdown', { summary: 'Power the machine off', result: ok }),
    'machine.reboot': post('/machine/reboot', { summary: 'Restart the machine', result: ok }),
    'machine.sudo.info': get('/machine/sudo/info', {
      summary: 'Whether the server may run programs as root, and the tasks that wait for that',
      params: { check_access: bool().describe('Test it by running sudo').default(false) },
      result: object({
        sudo_access: bool().nullable().describe('Null if not tested'),
        linux_user: string(),
        sudo_requested: bool(),
        request_messages: list(string()).describe('Tasks that wait for a password'),
      }),
    }),
    'machine.sudo.password': post('/machine/sudo/password', {
      summary: 'Set the password for sudo, until the server stops, and run the tasks that wait for it',
      params: { password: secret() },
      result: object({
        sudo_responses: list(string()),
        is_restarting: bool().describe("The server's own service restarts after the reply"),
      }),
    }),
  },
  notifications: {
    notify_service_state_changed: notification('Services changed their states', ServiceStateChange),
    notify_sudo_alert: notification('Tasks started or stopped waiting for the sudo password', SudoAlert),
  },
})
