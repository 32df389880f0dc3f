// matrix://user:password@host/#room, matrixs://…, or a token as the password without a user. API: https://spec.matrix.org
import { randomUUID } from 'node:crypto'
import { bodyAs } from '../formats.ts'
import { type Attachment, DeliveryError, type Message } from '../message.ts'
import { baseOf, type CreateSender, joined, jsonRequest, postJson, request } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

export const createMatrix: CreateSender = (url, http) => {
  const rooms = url.path.filter(part => /^[#!]/.test(part))
  if (url.host === '' || rooms.length === 0) {
    throw new ServiceUrlError('it needs a host and a room, as in matrixs://user:password@host/%23room')
  }
  const server = baseOf(url, url.scheme === 'matrixs')
  const api = `${server}/_matrix/client/v3`
  const givenToken = url.options.get('token') ?? (url.password === '' ? url.user : null)
  /** Logs in once; a refused token is forgotten. */
  let token: string | null = null
  const login = async (): Promise<string> => {
    if (givenToken !== null) return givenToken
    const identifier = { type: 'm.id.user', user: url.user }
    const login = { type: 'm.login.password', identifier, password: url.password }
    const { body } = await postJson(http, `${api}/login`, login)
    const { access_token } = JSON.parse(body.toString()) as { access_token?: string }
    if (access_token === undefined) throw new DeliveryError('the login gave no access token', false)
    return access_token
  }
  /** Stores a file on the server; returns the event that shows it. */
  const upload = async (file: Attachment, headers: Readonly<Record<string, string>>): Promise<object> => {
    const { body } = await request(http, {
      url: `${server}/_matrix/media/v3/upload?filename=${encodeURIComponent(file.name)}`,
      method: 'POST',
      headers: { ...headers, 'Content-Type': file.mediaType },
      body: file.data,
    })
    const { content_uri } = JSON.parse(body.toString()) as { content_uri: string }
    return {
      msgtype: file.mediaType.startsWith('image/') ? 'm.image' : 'm.file',
      body: file.name,
      url: content_uri,
      info: { mimetype: file.mediaType, size: file.data.length },
    }
  }
  return async message => {
    token ??= await login()
    const headers = { Authorization: `Bearer ${token}` }
    try {
      const events = [textEvent(message)]
      for (const file of message.attachments) events.push(await upload(file, headers))
      for (const room of rooms) {
        const name = encodeURIComponent(room.includes(':') ? room : `${room}:${url.host}`)
        const joinedRoom = await postJson(http, `${api}/join/${name}`, {}, headers)
        const { room_id } = JSON.parse(joinedRoom.body.toString()) as { room_id: string }
        for (const event of events) {
          const target = `${api}/rooms/${encodeURIComponent(room_id)}/send/m.room.message/${randomUUID()}`
          await request(http, jsonRequest('PUT', target, event, headers))
        }
      }
    } catch (error) {
      token = null
      throw error
    }
  }
}

function textEvent(message: Message): object {
  return {
    msgtype: 'm.text',
    body: joined(message, bodyAs(message, 'text')),
    ...(message.format !== 'text' && {
      format: 'org.matrix.custom.html',
      formatted_body: joined(message, bodyAs(message, 'html')),
    }),
  }
}
