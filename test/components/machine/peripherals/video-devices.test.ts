// Cameras out of trees of sysfs and /dev, with a driver that answers, hangs, or is not there.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { REQUESTS } from '../../../../src/components/machine/peripherals/v4l2.ts'
import { VideoDevices } from '../../../../src/components/machine/peripherals/video-devices.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { raspberryPi } from './raspberry-pi.ts'
import bytes from './struct-bytes.json' with { type: 'json' }

const nothing = async () => null

/** A driver whose every node is a webcam without modes. */
const webcams = async () => ({
  ioctl: async (_file: number, request: number, argument: Buffer) => {
    if (request === REQUESTS.capability) argument.write(bytes.capability, 'hex')
    return request === REQUESTS.capability
  },
})

test('without koffi: what sysfs has, of the first node of each device', async () => {
  using pi = raspberryPi()
  const unknown = { hardware_bus: '', capabilities: [], version: '', modes: [] }
  assert.deepEqual(await new VideoDevices(pi.files, systemClock).list(nothing), [
    {
      device_name: 'video0',
      device_path: '/dev/video0',
      camera_name: 'unicam-image',
      driver_name: 'unicam',
      path_by_hardware: '/dev/v4l/by-path/platform-3f801000.csi-video-index0',
      path_by_id: null,
      alt_name: 'unicam-image',
      usb_location: null,
      ...unknown,
    },
    {
      device_name: 'video10',
      device_path: '/dev/video10',
      camera_name: 'UVC Camera (046d:0825)',
      driver_name: 'uvcvideo',
      path_by_hardware: '/dev/v4l/by-path/platform-3f980000.usb-usb-0:1.1:1.0-video-index0',
      path_by_id: '/dev/v4l/by-id/usb-046d_0825_66EF0390-video-index0',
      alt_name: 'UVC Camera (046d:0825)',
      usb_location: '1:10',
      ...unknown,
    },
  ])
})

test('devices that answer have what they report, by number', async () => {
  using pi = raspberryPi()
  const devices = await new VideoDevices(pi.files, systemClock).list(webcams)
  assert.deepEqual(
    devices.map(({ device_name, driver_name, version }) => [device_name, driver_name, version]),
    [
      ['video0', 'uvcvideo', '6.1.63'],
      ['video2', 'uvcvideo', '6.1.63'],
      ['video10', 'uvcvideo', '6.1.63'],
    ],
  )
})

test('devices that are no cameras are left out; those that cannot be opened are as sysfs has them', async () => {
  using pi = raspberryPi()
  rmSync(`${pi.root}/dev/video0`)
  const devices = await new VideoDevices(pi.files, systemClock).list(async () => ({
    ioctl: async () => false,
  }))
  assert.deepEqual(
    devices.map(({ device_name, driver_name, version }) => [device_name, driver_name, version]),
    [['video0', 'unicam', '']],
  )
})

test('a device that does not answer is as sysfs has it, and none is queries until it does', async () => {
  using pi = raspberryPi()
  const clock = new HandClock()
  const video = new VideoDevices(pi.files, clock)
  const answer = Promise.withResolvers<boolean>()
  let queries = 0
  const hanging = async () => ({
    ioctl: () => {
      queries += 1
      return answer.promise
    },
  })
  const drivers = async (load: Parameters<VideoDevices['list']>[0]) =>
    (await video.list(load)).map(({ driver_name }) => driver_name)
  const first = drivers(hanging)
  await clock.waitFor(3)
  clock.pass(3)
  assert.deepEqual(await first, ['unicam', 'uvcvideo'])
  assert.deepEqual(await drivers(webcams), ['unicam', 'uvcvideo'])
  assert.equal(queries, 1)
  answer.resolve(false)
  // The device is closed in its own time.
  while ((await drivers(webcams)).length < 3) await new Promise(setImmediate)
  assert.deepEqual(clock.waits(), [])
})

test('a driver whose calls fail altogether', async () => {
  using pi = raspberryPi()
  const failing = async () => ({ ioctl: () => Promise.reject(new Error('too many calls')) })
  const devices = await new VideoDevices(pi.files, systemClock).list(failing)
  assert.deepEqual(
    devices.map(({ driver_name }) => driver_name),
    ['unicam', 'uvcvideo'],
  )
})

test('a machine without cameras loads nothing', async () => {
  using machine = new MachineFolder()
  const load = () => Promise.reject(new Error('loaded'))
  assert.deepEqual(await new VideoDevices(machine.files, systemClock).list(load), [])
})
