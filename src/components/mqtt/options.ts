// The options of [mqtt].
import { ROLES } from '../../api/endpoint.ts'
import { commas, deprecated, pairs, path, template, word } from '../../config/index.ts'
import { bool, type Field, float, type InferShape, int, string } from '../../schema/index.ts'
import { CONTROL_LEVELS } from './home-assistant/entity.ts'
import { instanceName } from './instance-name.ts'
import type { Qos } from './service.ts'

/** A quality of service. */
export const qos = (): Field<Qos> => int({ min: 0, max: 2 }) as Field<number> as Field<Qos>

export const mqttOptions = {
  address: string().describe('Name or address of the broker'),
  port: int({ min: 1, max: 65_535 }).describe('Port of the broker').default(1883),
  transport: word('tcp', 'websocket').describe('How to reach the broker').default('tcp'),
  websocket_path: string().describe('Path of the broker for the transport websocket').default('/mqtt'),
  mqtt_protocol: word('v3.1', 'v3.1.1', 'v5').describe('Version of the protocol').default('v3.1.1'),
  client_id: string()
    .describe('The name by which the broker knows this client; random if left out')
    .optional(),
  username: template().describe('User of the broker').optional(),
  password: template().describe('Password of the user').optional(),
  password_file: deprecated(
    path().describe('A file that contains the password').optional(),
    'use "password: {secrets.mqtt.password}" instead',
  ),
  enable_tls: bool().describe('Encrypt the connection').default(false),
  ca_certificate: path()
    .describe(
      'PEM file of the authority that signed the certificate of the broker; those of the system if left out',
    )
    .optional(),
  client_certificate: path().describe('PEM file of the certificate of this client').optional(),
  client_key: path().describe('PEM file of the key of client_certificate').optional(),
  instance_name: instanceName
    .describe("The first part of the server's topics; the name of the machine if left out")
    .optional(),
  default_qos: qos().describe('QoS of messages for which nothing else is set: 0, 1 or 2').default(0),
  enable_moonraker_api: bool().describe('Whether clients of the broker may call the API').default(true),
  api_qos: qos().describe('QoS of API requests and replies; default_qos if left out').optional(),
  api_role: word(...ROLES)
    .describe('What API requests may do')
    .default('admin'),
  status_objects: pairs(commas().nullable())
    .describe('Status to publish: an object in each line, OBJECT or OBJECT=FIELD,FIELD')
    .default({}),
  status_interval: float({ min: 0 })
    .describe('Least time between two status messages, more than 0.25; 0 for each change at once')
    .unit('s')
    .default(0),
  publish_split_status: bool().describe('Publish each field as a topic of its own').default(false),
  home_assistant: bool().describe('Present the printer as a device of Home Assistant').default(false),
  home_assistant_prefix: instanceName
    .describe('The topic under which Home Assistant looks for devices')
    .default('homeassistant'),
  home_assistant_control: word(...CONTROL_LEVELS)
    .describe(
      'What Home Assistant may control: nothing, the print with power and lights, or also temperatures, fans and macros',
    )
    .default('print'),
  home_assistant_interval: float({ min: 0.25 })
    .describe('Least time between two states for Home Assistant')
    .unit('s')
    .default(2),
}

/** The options as read. */
export type MqttOptions = InferShape<typeof mqttOptions>
