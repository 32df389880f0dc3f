// The cameras of the dashboard whose stream is video: by WebRTC, from a peer in another page of the browser.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { connect } from '../../../src/client/index.ts'
import { Chromium, noChromium } from '../../support/chromium.ts'
import { startRig } from '../../support/rig.ts'

const chromium = new Chromium()
after(() => chromium.close())

/** A picture of one pixel. */
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

/** What the page of the streamer does: it sends a canvas that changes all the time. */
const SENDER = `
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  setInterval(() => {
    context.fillStyle = 'hsl(' + (Date.now() % 360) + ' 90% 50%)'
    context.fillRect(0, 0, canvas.width, canvas.height)
  }, 50)
  const newPeer = () => {
    const peer = new RTCPeerConnection()
    const stream = canvas.captureStream(20)
    for (const track of stream.getTracks()) peer.addTrack(track, stream)
    return peer
  }
  const described = async (peer, description) => {
    await peer.setLocalDescription(description)
    while (peer.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 20))
    return peer.localDescription.sdp
  }
  globalThis.answer = async sdp => {
    const peer = newPeer()
    await peer.setRemoteDescription({ type: 'offer', sdp })
    return described(peer, await peer.createAnswer())
  }
  globalThis.offer = async () => {
    globalThis.last = newPeer()
    return described(last, await last.createOffer())
  }
  globalThis.accept = sdp => last.setRemoteDescription({ type: 'answer', sdp })
`

/** A streamer at loopback: WHEP at /whep, and the protocol of camera-streamer at /webrtc. */
async function startStreamer(sender: Page) {
  const requests: string[] = []
  const run = (call: string, argument?: string) =>
    sender.evaluate<string>(`${call}(${argument === undefined ? '' : JSON.stringify(argument)})`)
  const reply = async (
    request: IncomingMessage,
  ): Promise<[number, Record<string, string>, string | Buffer]> => {
    const line = `${request.method} ${request.url}`
    requests.push(line)
    const body = await text(request)
    if (line === 'POST /whep') return [201, { Location: '/whep/session' }, await run('answer', body)]
    if (line === 'POST /webrtc') {
      const message = JSON.parse(body) as {
        readonly type: string
        readonly id?: string
        readonly sdp?: string
      }
      if (message.type === 'request')
        return [200, {}, JSON.stringify({ type: 'offer', id: 'x', sdp: await run('offer') })]
      await run('accept', message.sdp)
      return [200, {}, JSON.stringify({ id: message.id })]
    }
    if (line.startsWith('GET /snapshot')) return [200, { 'Content-Type': 'image/gif' }, PICTURE]
    return [line.startsWith('DELETE /whep/') ? 200 : 404, {}, '']
  }
  const server = createServer((request, response) => {
    reply(request).then(
      ([status, headers, body]) => response.writeHead(status, headers).end(body),
      error => response.writeHead(500).end(String(error)),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    requests,
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => void server.close(),
  }
}

test('video by WebRTC is shown to viewers, and pictures in place of video that does not start', {
  skip: noChromium,
}, async () => {
  await using sender = await chromium.open()
  await sender.page.evaluate(SENDER)
  using streamer = await startStreamer(sender.page)
  const conf = `[frontend mainsail]
path: /nowhere
prefix: /mainsail
webcams:
  /cam/ = http://127.0.0.1:${streamer.port}
[webcam whep]
service: webrtc-mediamtx
stream_url: /cam/
[webcam own]
service: webrtc-camerastreamer
stream_url: /cam/webrtc
[webcam gone]
service: webrtc-go2rtc
stream_url: /cam/stream.html?src=gone
snapshot_url: /cam/snapshot
`
  const authorization = 'force_logins: True\ntrusted_clients: 127.0.0.1'
  await using rig = await startRig({ printer: 'none', authorization, conf })
  using client = await connect({ url: rig.socketPath })
  await client.call('access.post_user', { username: 'guest', password: 'secret', role: 'viewer' })
  await using open = await chromium.open()
  const { page } = open
  await page.goto(rig.url)
  await page.getByLabel('User name').fill('guest')
  await page.getByLabel('Password').fill('secret')
  await page.getByRole('dialog').getByRole('button', { name: 'Log in' }).click()
  const camera = page.getByRole('region', { name: 'Camera' })
  const show = (name: string) => camera.getByRole('button', { name }).click()
  // The video appears with its first frame.
  const plays = (name: string) => camera.locator(`video[aria-label="Camera ${name}"]`).waitFor()
  await show('whep')
  await plays('whep')
  await show('own')
  await plays('own')
  await show('gone')
  await camera.getByAltText('Camera gone').waitFor()
  assert.equal(await camera.locator('video').isVisible(), false)
  assert.ok(streamer.requests.includes('DELETE /whep/session'))
  assert.ok(streamer.requests.includes('POST /api/webrtc?src=gone'))
})
