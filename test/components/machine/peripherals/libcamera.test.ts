// Cameras out of what programs of libcamera print; the programs are scripts that print it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { listLibcameraDevices } from '../../../../src/components/machine/peripherals/libcamera.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { testLog } from '../../../support/test-log.ts'

/** The cameras that the programs of a machine report, and the log. */
async function listOn(programs: Readonly<Record<string, string>>, interpreter = '#!/bin/sh') {
  using machine = new MachineFolder()
  for (const [place, script] of Object.entries(programs)) machine.program(place, script, interpreter)
  const lines: string[] = []
  const console = (line: string) => void lines.push(line)
  const log = testLog({ console })
  return { cameras: await listLibcameraDevices(machine.files, log, new AbortController().signal), lines }
}

const printing = (text: string) => `cat <<'END'\n${text}\nEND`

const OV5647 = '/base/soc/i2c0mux/i2c@1/ov5647@36'
const WEBCAM = '/base/soc/usb@7e980000/usb-port@1/usb-port@1-1.1:1.0-046d:0825'

const CAM = `
case "$*" in
  --list) ${printing(`Available cameras:
1: Internal front camera (${OV5647})
2: External camera 'UVC Camera (046d:0825)' (${WEBCAM})
3: 'imx708_wide' (/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a)`)}
  ;;
  "--camera=1 --stream=role=raw --list-properties --info") ${printing(`Using camera ${OV5647} as cam0
Property: Rotation = 180
Property: Model = ov5647
Property: PixelArraySize = 2592x1944
0: 640x480-SGBRG10_CSI2P
 * Pixelformat: SGBRG10_CSI2P (640x480)-(2592x1944)/(+0,+0)
  - 640x480
  - 2592x1944`)}
  ;;
  "--camera=2 --stream=role=raw --list-properties --info") ${printing(`Using camera ${WEBCAM} as cam0
Property: Model = UVC Camera (046d:0825)
0: 1280x960-MJPEG
 * Pixelformat: MJPEG (160x120)-(1280x960)/(+0,+0)
  - 160x120
 * Pixelformat: YUYV (160x120)-(1280x960)/(+0,+0)
  - 160x120
  - 1280x960`)}
  ;;
  *) echo 'Failed to acquire camera' >&2; exit 1 ;;
esac`

test('cam reports the cameras, their models and modes; nothing for one in use', async () => {
  const { cameras, lines } = await listOn({ '/usr/bin/cam': CAM, '/usr/bin/rpicam-hello': 'exit 1' })
  assert.deepEqual(cameras, [
    {
      libcamera_id: OV5647,
      model: 'ov5647',
      modes: [{ format: 'SGBRG10_CSI2P', resolutions: ['640x480', '2592x1944'] }],
    },
    {
      libcamera_id: WEBCAM,
      model: 'UVC Camera (046d:0825)',
      modes: [
        { format: 'MJPEG', resolutions: ['160x120'] },
        { format: 'YUYV', resolutions: ['160x120', '1280x960'] },
      ],
    },
    {
      libcamera_id: '/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a',
      model: 'imx708_wide',
      modes: [],
    },
  ])
  assert.deepEqual(lines, [])
})

const IMX219 = '/base/soc/i2c0mux/i2c@1/imx219@10'

test('rpicam-hello, with a line for each size', async () => {
  const text = `Available cameras
-----------------
0 : imx219 [3280x2464 10-bit RGGB] (${IMX219})
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             3280x2464 [21.19 fps - (0, 0)/3280x2464 crop]
           'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]

1 : ov9281 ] (/base/soc/ov9281@60)
    Modes: 'R8' : 1280x800 [nan fps - (0, 0)/1280x800 crop]
`
  const { cameras } = await listOn({
    '/usr/local/bin/rpicam-hello': `[ "$*" = --list-cameras ] && ${printing(text)}`,
  })
  assert.deepEqual(cameras, [
    {
      libcamera_id: IMX219,
      model: 'imx219',
      modes: [
        { format: 'SRGGB10_CSI2P', resolutions: ['640x480', '3280x2464'] },
        { format: 'SRGGB8', resolutions: ['640x480'] },
      ],
    },
    {
      libcamera_id: '/base/soc/ov9281@60',
      model: 'ov9281',
      modes: [{ format: 'R8', resolutions: ['1280x800'] }],
    },
  ])
})

test('older programs, with all sizes in a line, and with what libcamera logs between them', async () => {
  const text = `[0:37:47.3] [2412]  INFO Camera camera_manager.cpp:293 libcamera v0.0.0+3700
Available cameras
-----------------
0 : imx219 [3280x2464] (${IMX219})
    Modes: 'SRGGB10_CSI2P' : 640x480 1640x1232 
[0:37:48.1] [2412]  INFO Camera configuring streams: (0) 800x600-YUV420
           'SRGGB8' : 640x480
1 : imx477 (/base/imx477)
`
  const { cameras } = await listOn({ '/usr/bin/libcamera-hello': printing(text) })
  assert.deepEqual(cameras, [
    {
      libcamera_id: IMX219,
      model: 'imx219',
      modes: [
        { format: 'SRGGB10_CSI2P', resolutions: ['640x480', '1640x1232'] },
        { format: 'SRGGB8', resolutions: ['640x480'] },
      ],
    },
    { libcamera_id: '/base/imx477', model: 'imx477', modes: [] },
  ])
})

test('programs without usable output', async () => {
  for (const script of [
    'exit 1',
    printing('No cameras available!'),
    'head -c 3000000 /dev/zero',
    printing("    Modes: 'R8' : 1x1"),
    'head -c 3000000 /dev/zero | tr "\\0" "["',
  ]) {
    assert.deepEqual((await listOn({ '/usr/bin/rpicam-hello': script })).cameras, [])
  }
  // Another program that has the name.
  assert.deepEqual((await listOn({ '/usr/bin/cam': printing('usage: cam [-l] file') })).cameras, [])
})

test('a program that cannot be run is logged; a file that is no program is none', async () => {
  const { cameras, lines } = await listOn({ '/usr/bin/rpicam-hello': '' }, '#!/nowhere')
  assert.deepEqual(cameras, [])
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /WARNING the cameras of libcamera cannot be read: .* cannot be run/)
  using machine = new MachineFolder()
  machine.write('/usr/bin/cam', 'no program')
  machine.folder('/usr/bin/rpicam-hello')
  const log = testLog()
  assert.deepEqual(await listLibcameraDevices(machine.files, log, new AbortController().signal), [])
})

const LISTED = `[ "$1" = --list ] && ${printing(`1: (${OV5647})\n2: (${WEBCAM})`)}`

test('cameras whose modes cannot be read are listed without them', async () => {
  const { cameras, lines } = await listOn({ '/usr/bin/cam': `rm "$0"\n${LISTED}` })
  assert.deepEqual(cameras, [
    { libcamera_id: OV5647, model: null, modes: [] },
    { libcamera_id: WEBCAM, model: null, modes: [] },
  ])
  assert.equal(lines.length, 1)
})

test('a program that hangs ends with the server, and nothing is logged', async () => {
  using machine = new MachineFolder()
  machine.program('/usr/bin/cam', `${LISTED}\n[ "$1" = --list ] && exit\n: > "$0.hangs"\nexec sleep 60`)
  const stopping = new AbortController()
  const lines: string[] = []
  const console = (line: string) => void lines.push(line)
  const log = testLog({ console })
  const cameras = listLibcameraDevices(machine.files, log, stopping.signal)
  while (!(await machine.files.exists('/usr/bin/cam.hangs'))) await setImmediate()
  stopping.abort()
  assert.equal((await cameras).length, 2)
  assert.deepEqual(lines, [])
})

test('a machine without libcamera', async () => {
  assert.deepEqual(await listOn({}), { cameras: [], lines: [] })
})
