// The options of [power NAME]: those of every device, and those of each type.
import { commas, template, withPreviousNames } from '../../config/index.ts'
import { bool, choice, type Field, float, type InferShape, int, secret, string } from '../../schema/index.ts'

/** The options that every device has, apart from `type`. */
const common = {
  initial_state: bool().describe('Switch the device on or off when the server starts').optional(),
  off_when_shutdown: bool().describe('Switch the device off when Klippy shuts down').default(false),
  off_when_shutdown_delay: float({ min: 0 })
    .describe('Time from the shutdown until the device is switched off')
    .unit('s')
    .default(0),
  on_when_job_queued: withPreviousNames(
    bool().describe('Switch the device on when a job is added to the queue').default(false),
    'on_when_upload_queued',
  ),
  locked_while_printing: bool().describe('Do not switch the device while a print runs').default(false),
  restart_klipper_when_powered: bool()
    .describe('Send FIRMWARE_RESTART when the device was switched on and Klippy is not ready')
    .default(false),
  restart_delay: float({ above: 0 })
    .describe('Time from switching on until the restart')
    .unit('s')
    .default(1),
  bound_services: withPreviousNames(
    commasOrLines().describe('Services that start and stop with the device').default([]),
    'bound_service',
  ),
  restrict_action_processing: bool()
    .describe(
      'False: bound services and restart_klipper_when_powered also react to changes that were made outside the server',
    )
    .default(true),
  poll_interval: float({ min: 1 })
    .describe('Time between two reads of the state; by default the state is read when a client requests it')
    .unit('s')
    .optional(),
}

/** Services are separated by commas or by lines. */
function commasOrLines() {
  const list = commas()
  return Object.assign(Object.create(Object.getPrototypeOf(list)) as typeof list, list, {
    read: (input: unknown, name: string) =>
      list.read(typeof input === 'string' ? input.replaceAll('\n', ',') : input, name),
  })
}

function choiceOfQos() {
  const field = int({ min: 0, max: 2 }).describe('Quality of service; default_qos of [mqtt] if left out')
  return field as Field<0 | 1 | 2>
}

const address = string().describe('Host name or IP address, with :port if it is not the usual one')
const user = template().describe('The user name')
const password = secret(template()).describe('The password; better as {secrets.plug.password}')
const token = secret(template()).describe('The access token; better as {secrets.plug.token}')
const port = (value: number) => int({ min: 1, max: 65535 }).describe('The TCP port').default(value)
const protocol = choice('http', 'https').describe('The protocol')
const timer = int({ min: 1 }).unit('s')
const delayedOff = timer.describe('Switch off after this time, in place of at once').optional()
const output = (first: number) => int({ min: 0 }).describe('The number of the output').default(first)

const timedOn = float({ above: 0 }).unit('s').describe('Switch off again after this time').optional()
const pin = string().describe('The pin, such as gpiochip0/gpio17; ! in front of it inverts it')
const code = string()

/** The options by the value of `type`. */
export const typeOptions = {
  http: {
    on_url: template().describe('Switches the device on'),
    off_url: template().describe('Switches the device off'),
    status_url: template().describe('Reads the state'),
    user: user.default(''),
    password: password.default(''),
    request_template: template().describe('Sends the request with http_request').optional(),
    response_template: template().describe('Makes on or off of the response'),
  },
  tasmota: {
    address,
    user: user.default('admin'),
    password: password.default(''),
    output_id: output(1),
    timer: delayedOff,
  },
  shelly: {
    address,
    user: user.default('admin'),
    password: password.default(''),
    output_id: output(0),
    timer: delayedOff,
  },
  homeseer: {
    address,
    port: port(80),
    device: int().describe('The reference number of the device'),
    user: user.default('admin'),
    password: password.default(''),
  },
  homeassistant: {
    address,
    protocol: protocol.default('http'),
    port: port(8123),
    device: string().describe('The entity, such as switch.printer'),
    token,
    domain: string().describe('The domain of the services turn_on and turn_off').default('switch'),
    status_delay: float({ min: 0, max: 60 })
      .describe('Time from a command until the state is read')
      .unit('s')
      .default(1),
  },
  loxonev1: {
    address,
    user: user.default('admin'),
    password: password.default('admin'),
    output_id: string().describe('The name or the UUID of the output').default(''),
  },
  smartthings: {
    address,
    protocol: protocol.default('https'),
    port: int({ min: 1, max: 65535 }).describe('The TCP port; that of the protocol if left out').optional(),
    token,
    device: string().describe('The id of the device'),
  },
  hue: {
    address,
    port: port(80),
    user: user.default(''),
    device_id: string().describe('The number of the light or group'),
    device_type: choice('light', 'group').describe('What device_id is').default('light'),
  },
  tplink_smartplug: {
    address: string().describe('Host name or IP address'),
    port: port(9999),
    output_id: output(0),
    timer: delayedOff,
  },
  klipper_device: {
    object_name: string().describe('output_pin NAME, or gcode_macro NAME of a macro with variable_value'),
    timer: timedOn,
  },
  mqtt: {
    command_topic: string().describe('The topic for commands'),
    command_payload: template().describe('The payload of a command'),
    state_topic: string().describe('The topic on which the device publishes its state'),
    state_response_template: template()
      .describe('Makes on, off or discard of a message')
      .default('{payload}'),
    state_timeout: float({ above: 0, max: 60 })
      .describe('Time that the device has to publish its state')
      .unit('s')
      .default(2),
    query_topic: string().describe('The topic that makes the device publish its state').optional(),
    query_payload: template().describe('The payload of a query').default(''),
    query_after_command: bool().describe('Query the state after each command').default(false),
    retain_command_state: bool().describe('Whether the broker stores the last command').default(false),
    qos: choiceOfQos().optional(),
  },
  gpio: { pin, timer: timedOn },
  rf: {
    pin,
    on_code: code.describe('The code that switches on: up to 24 digits 0 and 1'),
    off_code: code.describe('The code that switches off'),
    timer: timedOn,
  },
  uhubctl: {
    location: string().describe('The location of the hub, as uhubctl lists it'),
    port: int({ min: 1 }).describe('The number of the port; all ports if left out').optional(),
  },
} as const

/** The types of power devices. */
export type PowerType = keyof typeof typeOptions

/** The names of the types. */
export const POWER_TYPES = Object.keys(typeOptions) as PowerType[]

/** The options of every device. */
export const deviceOptions = {
  type: choice(...POWER_TYPES).describe('The kind of device'),
  ...common,
}

/** The options of every device, as read. */
export type DeviceOptions = InferShape<typeof deviceOptions>

/** The options of a type, as read. */
export type OptionsOf<T extends PowerType> = InferShape<(typeof typeOptions)[T]>
