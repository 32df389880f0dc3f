// API document: "MQTT APIs".
import { bool, float, int, json, object, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { DIRECT_TRANSPORTS, post } from './endpoint.ts'

/** Clients of the broker publish and subscribe themselves. */
const transports = [...DIRECT_TRANSPORTS, 'internal'] as const

const topic = string().describe('Without wildcards')
const qos = int().nullable().describe('0, 1 or 2; default_qos of [mqtt] if left out').optional()
const timeout = (limit: number) =>
  float({ min: 0 }).nullable().describe(`Error 504 after this time; at most ${limit}`).unit('s').optional()

/** Seconds that a publication may wait for the broker. */
export const PUBLISH_SECONDS = 60
/** Seconds that a subscription may wait for a message. */
export const SUBSCRIBE_SECONDS = 3600

export const mqtt = chapter({
  title: 'MQTT',
  about: 'Publish and receive messages of the broker of section [mqtt]',
  methods: {
    'server.mqtt.publish': post('/server/mqtt/publish', {
      summary: 'Publish a message; with QoS 1 or 2 the reply comes when the broker has acknowledged it',
      params: {
        topic,
        payload: json().describe('A text as it is, other values as JSON; empty if left out').optional(),
        qos,
        retain: bool().describe('The broker keeps the message for later subscribers').default(false),
        timeout: timeout(PUBLISH_SECONDS),
      },
      example: { topic: 'home/light', payload: 'on' },
      result: object({ topic: string() }),
      transports,
    }),
    'server.mqtt.subscribe': post('/server/mqtt/subscribe', {
      summary: 'Wait for one message of a topic; a retained message is returned at once',
      params: { topic, qos, timeout: timeout(SUBSCRIBE_SECONDS) },
      example: { topic: 'home/light', timeout: 5 },
      result: object({
        topic: string(),
        payload: json().describe('The value of a payload that is JSON, else its text'),
      }),
      transports,
    }),
  },
})
