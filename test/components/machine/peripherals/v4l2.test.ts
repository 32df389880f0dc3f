// Structures of the kernel against bytes that a C compiler made of them (struct-bytes.c).
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { queryCamera, REQUESTS } from '../../../../src/components/machine/peripherals/v4l2.ts'
import { loadSystemCalls } from '../../../../src/components/machine/system-calls.ts'
import bytes from './struct-bytes.json' with { type: 'json' }

/** A driver with what it answers, by request and index; it refuses the rest. */
function driver(answers: Readonly<Record<number, readonly string[]>>) {
  return {
    ioctl: async (_file: number, request: number, argument: Buffer) => {
      const index = request === REQUESTS.capability ? 0 : argument.readUInt32LE(0)
      const answer = answers[request]?.[index]
      if (answer === undefined) return false
      assert.equal(argument.length, answer.length / 2, 'the size that the request has in its number')
      argument.write(answer, 'hex')
      return true
    },
  }
}

test('the numbers of the requests', () => {
  assert.deepEqual(REQUESTS, {
    capability: bytes.VIDIOC_QUERYCAP,
    format: bytes.VIDIOC_ENUM_FMT,
    frameSize: bytes.VIDIOC_ENUM_FRAMESIZES,
  })
})

test('a webcam', async () => {
  const camera = await queryCamera(
    0,
    driver({
      [REQUESTS.capability]: [bytes.capability],
      [REQUESTS.format]: [bytes.mjpeg, bytes.grey],
      [REQUESTS.frameSize]: [bytes.size, bytes.size],
    }),
  )
  assert.deepEqual(camera, {
    camera_name: 'UVC Camera (046d:0825)',
    driver_name: 'uvcvideo',
    hardware_bus: 'usb-3f980000.usb-1.1',
    capabilities: ['VIDEO_CAPTURE', 'EXT_PIX_FORMAT', 'STREAMING'],
    version: '6.1.63',
    modes: [
      {
        format: 'MJPG',
        description: 'Motion-JPEG',
        flags: ['COMPRESSED'],
        resolutions: ['1280x720', '1280x720'],
      },
      {
        format: 'Y16 ',
        description: '16-bit Greyscale BE',
        flags: ['COMPRESSED', 'EMULATED'],
        resolutions: ['1280x720', '1280x720'],
      },
    ],
  })
})

test('the node of a webcam that carries no pictures is no camera', async () => {
  const answers = { [REQUESTS.capability]: [bytes.metadataCapability] }
  assert.equal(await queryCamera(0, driver(answers)), null)
})

test('a driver that does not know capabilities of single nodes, with fields filled to their end', async () => {
  const camera = await queryCamera(0, driver({ [REQUESTS.capability]: [bytes.oldCapability] }))
  assert.deepEqual(camera, {
    camera_name: 'Kamera ä',
    driver_name: 'a driver of 16 b',
    hardware_bus: 'platform:old',
    capabilities: ['VIDEO_CAPTURE', 'RADIO', 'READWRITE'],
    version: '3.2.255',
    modes: [],
  })
})

test('a format with ranges of sizes has no list of them and is left out', async () => {
  const answers = {
    [REQUESTS.capability]: [bytes.capability],
    [REQUESTS.format]: [bytes.mjpeg],
    [REQUESTS.frameSize]: [bytes.range],
  }
  assert.deepEqual((await queryCamera(0, driver(answers)))?.modes, [])
})

test('a driver with an endless list is queried 128 times', async () => {
  const endless = (text: string) => Array.from({ length: 1000 }, () => text)
  const answers = {
    [REQUESTS.capability]: [bytes.capability],
    [REQUESTS.format]: endless(bytes.mjpeg),
    [REQUESTS.frameSize]: endless(bytes.size),
  }
  const camera = await queryCamera(0, driver(answers))
  assert.equal(camera?.modes.length, 128)
  assert.equal(camera?.modes[0]?.resolutions.length, 128)
})

test('a file that is not a camera is recognized', async t => {
  const calls = await loadSystemCalls()
  if ('missing' in calls) return t.skip('koffi is not installed')
  const file = openSync('/dev/null', 'r')
  try {
    assert.equal(await queryCamera(file, calls), null)
  } finally {
    closeSync(file)
  }
})
