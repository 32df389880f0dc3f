// From the system calls on: a webcam and a CAN bus that a C library plays with the kernel's own structures.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadSystemCalls } from '../../../../src/components/machine/system-calls.ts'
import { raspberryPi } from './raspberry-pi.ts'

const source = join(import.meta.dirname, 'play-devices.c')
const program = fileURLToPath(import.meta.resolve('./query-devices.ts'))
const compiler = process.env.CC ?? 'gcc'
const hasCompiler = spawnSync(compiler, ['-fsyntax-only', source]).status === 0
const hasKoffi = !('missing' in (await loadSystemCalls()))
const skip = hasCompiler && hasKoffi ? false : 'needs koffi, and a C compiler with the headers of Linux'

test('a webcam and two nodes, queried by system calls', { skip }, async () => {
  using pi = raspberryPi()
  pi.device('/sys/class/net/can0', { ifindex: '3', type: '280', flags: '0x40081' })
  const library = join(pi.root, 'play-devices.so')
  const run = promisify(execFile)
  await run(compiler, ['-shared', '-fPIC', '-o', library, source, '-lpthread'])
  const { stdout } = await run(process.execPath, [program, pi.root], {
    env: { ...process.env, LD_PRELOAD: library },
    timeout: 20_000,
  })
  const { nodes, cameras } = JSON.parse(stdout)
  assert.deepEqual(nodes, [
    { uuid: '112233445566', application: 'Klipper' },
    { uuid: 'aabbccddeeff', application: 'Katapult' },
  ])
  assert.deepEqual(cameras, [
    {
      device_name: 'video10',
      device_path: '/dev/video10',
      camera_name: 'Played camera',
      driver_name: 'played',
      hardware_bus: 'usb-played-1',
      capabilities: ['VIDEO_CAPTURE', 'STREAMING'],
      version: '6.12.34',
      path_by_hardware: '/dev/v4l/by-path/platform-3f980000.usb-usb-0:1.1:1.0-video-index0',
      path_by_id: '/dev/v4l/by-id/usb-046d_0825_66EF0390-video-index0',
      alt_name: 'UVC Camera (046d:0825)',
      usb_location: '1:10',
      modes: [
        { format: 'YUYV', description: 'YUYV 4:2:2', flags: [], resolutions: ['640x480'] },
        {
          format: 'MJPG',
          description: 'Motion-JPEG',
          flags: ['COMPRESSED'],
          resolutions: ['640x480', '1280x960', '1920x1440'],
        },
      ],
    },
  ])
})
