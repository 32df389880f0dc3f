// matrix://user:password@host/#room, matrixs://…, or a token as the password without a user. API: https://spec.matrix.org
import { randomUUID } from 'node:crypto'
import { bodyAs } from '../formats.ts'
import { DeliveryError } from '../message.ts'
import { baseOf, type CreateSender, joined, postJson, request } from '../sender.ts'
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
  return async message => {
    token ??= await login()
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
    const html = message.format !== 'text'
    const content = {
      msgtype: 'm.text',
      body: joined(message, bodyAs(message, 'text')),
      ...(html && {
        format: 'org.matrix.custom.html',
        formatted_body: joined(message, bodyAs(message, 'html')),
      }),
    }
    try {
      for (const room of rooms) {
        const name = encodeURIComponent(room.includes(':') ? room : `${room}:${url.host}`)
        const joinedRoom = await postJson(http, `${api}/join/${name}`, {}, headers)
        const { room_id } = JSON.parse(joinedRoom.body.toString()) as { room_id: string }
        const target = `${api}/rooms/${encodeURIComponent(room_id)}/send/m.room.message/${randomUUID()}`
        await request(http, { url: target, method: 'PUT', headers, body: JSON.stringify(content) })
      }
    } catch (error) {
      token = null
      throw error
    }
  }
}
