// What the dashboard computes from the status: times, layers, and the lines of the plot.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiTops } from '../../src/api/tops.ts'
import { API_TOPS, mayBeCamera, type Place, sourcesOf } from '../../src/pages/dashboard/camera-source.ts'
import { layersOf, timesOf } from '../../src/pages/dashboard/job-facts.ts'
import { EMPTY, type Model, type Webcam } from '../../src/pages/dashboard/model.ts'
import { linePath, scaleOf } from '../../src/pages/dashboard/plot.ts'

const BY_TIME: Model['progress'] = {
  filename: 'a.gcode',
  state: 'printing',
  source: 'analysis',
  progress: 0.25,
  time_left: 300,
  total_time: 400,
  slicer_time_left: null,
}

function model(stats: Record<string, unknown>, rest: Partial<Model> = {}): Model {
  const status = { print_stats: { filename: 'a.gcode', state: 'printing', ...stats }, ...rest.status }
  return { ...EMPTY, ...rest, status }
}

test('progress is by time, if it is that of the printed file', () => {
  const status = { virtual_sdcard: { progress: 0.5 } }
  const stats = { print_duration: 100 }
  assert.deepEqual(timesOf(model(stats, { status, progress: BY_TIME })), { progress: 0.25, left: 300 })
  const byFile = { progress: 0.5, left: 100 }
  assert.deepEqual(timesOf(model({ ...stats, filename: 'b.gcode' }, { status, progress: BY_TIME })), byFile)
  assert.deepEqual(timesOf(model(stats, { status })), byFile)
  assert.deepEqual(timesOf(model({ state: 'complete' }, { progress: BY_TIME })), { progress: 1, left: 0 })
  assert.deepEqual(timesOf(EMPTY), { progress: null, left: null })
})

test('layers are those of the slicer, else those by height', () => {
  const metadata = { layer_count: 50, layer_height: 0.2, first_layer_height: 0.3 }
  const info = { current_layer: 7, total_layer: 60 }
  assert.deepEqual(layersOf(model({ info }, { metadata })), { layer: 7, layers: 60 })
  const at = (z: number, stats = { print_duration: 5 }) =>
    layersOf(model(stats, { metadata, status: { gcode_move: { gcode_position: [0, 0, z, 0] } } }))
  assert.deepEqual([at(0.3).layer, at(0.5).layer, at(0.7).layer, at(99).layer], [1, 2, 3, 50])
  assert.deepEqual(at(0.5, { print_duration: 0 }), { layer: null, layers: 50 })
  assert.deepEqual(layersOf(EMPTY), { layer: null, layers: null })
})

test('the scale of the plot has room above the highest value, and at most six marks', () => {
  assert.deepEqual(scaleOf([[]]), { top: 50, marks: [0, 10, 20, 30, 40, 50] })
  for (const highest of [46, 61, 110, 215, 240, 300, 450]) {
    const { top, marks } = scaleOf([[null, highest], [20]])
    assert.ok(top >= highest * 1.05 && marks.length <= 6 && marks.at(-1) === top, String(highest))
  }
})

test('a line ends now, and missing values are gaps', () => {
  assert.equal(linePath([0, 50, null, 100], 10, 100), 'M7 100L8 50M10 0')
  assert.equal(linePath([], 10, 100), '')
})

test('no camera receives credentials at an address of the API', () => {
  assert.deepEqual([...API_TOPS].sort(), [...apiTops()].sort())
  const allows = (address: string, page: string) => mayBeCamera(new URL(address, page), new URL(page))
  for (const page of ['http://pi/', 'http://pi/voron/', 'http://pi/voron/?x#y']) {
    for (const address of ['/webcam/whep', 'cam/stream', '/go2rtc/api/../x']) {
      assert.equal(allows(address, page), true, `${address} at ${page}`)
    }
    for (const address of [
      '/machine/reboot',
      'machine/reboot',
      '//pi/access/user?role=admin',
      '/%61ccess/user',
      '/cam/../server/files/config/printer.cfg',
      '/Printer/print/start',
      './/printer/emergency_stop',
      '/a%2',
      'http://other/cam',
      'https://pi/cam',
    ]) {
      assert.equal(allows(address, page), false, `${address} at ${page}`)
    }
  }
  assert.equal(allows('/neighbour/machine/reboot', 'http://pi/voron/'), false)
  const hostile = {
    service: 'webrtc-camerastreamer',
    stream_url: '/access/user?role=admin',
    snapshot_url: '',
  }
  const place = { page: new URL('http://pi/'), playsHls: true, playsPeers: true }
  assert.deepEqual(sourcesOf(hostile as Webcam, place), [])
})

test('the sources of a camera: video where page and browser allow it, then pictures, here and on port 80', () => {
  const place: Place = { page: new URL('http://pi:7125/p/'), playsHls: true, playsPeers: true }
  const sources = (service: string, stream_url: string, changes: Partial<Place> = {}) =>
    sourcesOf({ service, stream_url, snapshot_url: '/snap' } as Webcam, { ...place, ...changes }).map(
      ({ kind, url }) => `${kind} ${url}`,
    )
  const pictures = ['picture http://pi:7125/snap', 'picture http://pi/snap']
  const peer = (url: string) => [`peer http://pi:7125${url}`, ...pictures]
  assert.deepEqual(sources('mjpegstreamer', '/s?x'), ['stream http://pi:7125/s?x', 'stream http://pi/s?x'])
  assert.deepEqual(sources('mjpegstreamer', 'http://cam/s'), ['stream http://cam/s'])
  assert.deepEqual(sources('webrtc-camerastreamer', '/cam/webrtc'), peer('/cam/webrtc'))
  assert.deepEqual(sources('webrtc-mediamtx', '/cam'), peer('/cam/whep'))
  assert.deepEqual(sources('webrtc-mediamtx', 'http://pi:8889/cam/'), pictures)
  assert.deepEqual(sources('webrtc-go2rtc', '/go/stream.html?src=a'), peer('/go/api/webrtc?src=a'))
  assert.deepEqual(sources('webrtc-go2rtc', '/go/', { playsPeers: false }), pictures)
  assert.deepEqual(sources('hlsstream', 'http://cam/x.m3u8'), [
    'hls http://cam/x.m3u8',
    'picture http://pi:7125/snap',
    'picture http://pi/snap',
  ])
  assert.deepEqual(sources('hlsstream', 'http://cam/x.m3u8', { playsHls: false }), pictures)
  assert.deepEqual(sources('toString', 'javascript:alert(1)'), pictures)
})
