// The services that the server sends to by itself, by the schemes of their URLs. A sender is loaded with its first URL.
import type { CreateSender } from './sender.ts'

type Load = () => Promise<CreateSender>

const webHook: Load = async () => (await import('./senders/web-hook.ts')).createWebHook
const ntfy: Load = async () => (await import('./senders/ntfy.ts')).createNtfy
const gotify: Load = async () => (await import('./senders/gotify.ts')).createGotify
const matrix: Load = async () => (await import('./senders/matrix.ts')).createMatrix
const homeAssistant: Load = async () => (await import('./senders/home-assistant.ts')).createHomeAssistant
const mail: Load = async () => (await import('./senders/mail.ts')).createMail
const mqtt: Load = async () => (await import('./senders/mqtt.ts')).createMqtt

const SENDERS: Readonly<Record<string, Load>> = {
  ntfy,
  ntfys: ntfy,
  gotify,
  gotifys: gotify,
  tgram: async () => (await import('./senders/telegram.ts')).createTelegram,
  discord: async () => (await import('./senders/discord.ts')).createDiscord,
  slack: async () => (await import('./senders/slack.ts')).createSlack,
  pover: async () => (await import('./senders/pushover.ts')).createPushover,
  pbul: async () => (await import('./senders/pushbullet.ts')).createPushbullet,
  matrix,
  matrixs: matrix,
  hassio: homeAssistant,
  hassios: homeAssistant,
  mailto: mail,
  mailtos: mail,
  json: webHook,
  jsons: webHook,
  form: webHook,
  forms: webHook,
  xml: webHook,
  xmls: webHook,
  ifttt: async () => (await import('./senders/ifttt.ts')).createIfttt,
  mqtt,
  mqtts: mqtt,
}

/** The schemes, for messages to users. */
export const NATIVE_SCHEMES: readonly string[] = Object.keys(SENDERS)

/** Loads the sender for a scheme; undefined for a service that only Apprise knows. */
export function nativeSender(scheme: string): Promise<CreateSender> | undefined {
  return Object.hasOwn(SENDERS, scheme) ? SENDERS[scheme]?.() : undefined
}
