// Pictures from cameras that work, and from those that hang, send half of one, too much, or something else.
import assert from 'node:assert/strict'
import type { RequestListener, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { takeSnapshot } from '../../../src/components/timelapse/snapshot.ts'
import { HttpClient } from '../../../src/core/http-client.ts'
import { TestCamera } from './test-camera.ts'
import { jpeg, jpegWithPreview } from './test-jpeg.ts'

/** Seconds in which each picture arrives, also on a busy machine. */
const TIMEOUT = 60

async function take(answer: RequestListener, timeoutSeconds = TIMEOUT): Promise<Buffer> {
  await using camera = await TestCamera.start()
  camera.answer = answer
  const http = new HttpClient()
  const { signal } = new AbortController()
  try {
    return await takeSnapshot(http, { url: camera.url, timeoutSeconds, insecure: false, signal })
  } finally {
    http.close()
  }
}

/** Sends parts one by one, each as an own chunk. */
async function inParts(res: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  for (const part of parts) await new Promise(resolve => res.write(part, resolve))
}

const halves = (data: Buffer, at: number) => [data.subarray(0, at), data.subarray(at)]

test('a picture', async () => {
  const picture = jpeg('one')
  assert.deepEqual(await take((_req, res) => res.end(picture)), picture)
})

test('what follows the picture is left away', async () => {
  const picture = jpeg('one')
  assert.deepEqual(await take((_req, res) => res.end(Buffer.concat([picture, Buffer.alloc(99)]))), picture)
})

test('a picture in parts, cut at every place', async () => {
  const picture = jpegWithPreview()
  await using camera = await TestCamera.start()
  const http = new HttpClient()
  const { signal } = new AbortController()
  for (let at = 1; at < picture.length; at += 1) {
    camera.answer = (_req, res) => void inParts(res, halves(picture, at)).then(() => res.end())
    const request = { url: camera.url, timeoutSeconds: TIMEOUT, insecure: false, signal }
    assert.deepEqual(await takeSnapshot(http, request), picture, `cut at ${at}`)
  }
  http.close()
})

test('the first whole picture of a stream without an end', async () => {
  const picture = jpegWithPreview()
  const head = `--x\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`
  const taken = await take((_req, res) => {
    res.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace;boundary=x' })
    const send = () => {
      if (!res.destroyed) res.write(Buffer.concat([Buffer.from(head), picture, Buffer.from('\r\n')]), send)
    }
    send()
  })
  assert.deepEqual(taken, picture)
})

const page = (_req: unknown, res: ServerResponse) => res.end('<!DOCTYPE html><html>Login</html>')
const endless = (first: Buffer) => (_req: unknown, res: ServerResponse) => {
  res.write(first)
  const more = () => {
    if (!res.destroyed) res.write(Buffer.alloc(1024 * 1024, 0x5a), more)
  }
  more()
}

const FAILURES: readonly [what: string, answer: RequestListener, message: RegExp][] = [
  ['half a picture', (_req, res) => res.end(jpeg().subarray(0, 60)), /ends after 60 bytes, before its end/],
  ['nothing', (_req, res) => res.end(), /an empty reply/],
  ['a web page', page, /a web page instead of a JPEG picture/],
  ['a PNG', (_req, res) => res.end(Buffer.from('89504e470d0a1a0a', 'hex')), /no JPEG picture/],
  ['an error', (_req, res) => res.writeHead(503).end(), /the camera replied 503/],
  ['50 MB', endless(jpeg().subarray(0, 60)), /larger than 16 MiB/],
  ['an endless stream of something else', endless(Buffer.from('x')), /no JPEG picture/],
  [
    'a broken connection',
    (_req, res) => void inParts(res, [jpeg().subarray(0, 60)]).then(() => res.destroy()),
    /aborted|reset|closed/i,
  ],
  [
    'a picture without a size',
    (_req, res) => res.end(Buffer.from('ffd8ffc0000b080000004001011100ffd9', 'hex')),
    /without a size/,
  ],
  ['a damaged picture', (_req, res) => res.end(Buffer.from('ffd8fffe000412345678ffd9', 'hex')), /damaged/],
]

for (const [what, answer, message] of FAILURES) {
  test(`no picture from ${what}`, async () => {
    await assert.rejects(take(answer), message)
  })
}

test('no picture from a camera that hangs, before or in the middle', async () => {
  await assert.rejects(
    take(() => undefined, 0.1),
    /within 0.1 seconds|no answer/,
  )
  await assert.rejects(
    take((_req, res) => res.write(jpeg().subarray(0, 60)), 0.1),
    /no whole picture within 0.1 seconds/,
  )
})

test('no picture without a URL of http', async () => {
  const http = new HttpClient()
  const { signal } = new AbortController()
  for (const url of ['', 'file:///etc/passwd', 'rtsp://127.0.0.1/']) {
    const request = { url, timeoutSeconds: 1, insecure: false, signal }
    await assert.rejects(takeSnapshot(http, request), /no snapshot URL of http/, url)
  }
})
