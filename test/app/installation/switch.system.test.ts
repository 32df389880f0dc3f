// `moonraker-ts doctor` and `switch`, on a system as KIAUH lays it out.
import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { startPrinterInFolder } from '../../../src/app/virtual-printer-in-folder.ts'
import { connect } from '../../../src/client/index.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { KiauhLayout, type Printer } from './kiauh-layout.ts'

const DROP_IN = 'etc/systemd/system/moonraker.service.d/moonraker-ts.conf'

let layout: KiauhLayout
let first: Printer
let second: Printer
let klipper: Awaited<ReturnType<typeof startPrinterInFolder>>

before(async () => {
  layout = await KiauhLayout.create()
  first = await layout.addPrinter('', '[timelapse]\n[unknown_thing]\n[history]\nsizee: 3\n')
  second = await layout.addPrinter('two')
  await layout.addPrinter('three')
  layout.link(
    'home/pi/moonraker/moonraker/components/timelapse.py',
    '/home/pi/moonraker-timelapse/timelapse.py',
  )
  layout.write('etc/systemd/system/moonraker-obico.service', '[Service]\nExecStart=/bin/true\n')
  klipper = await startPrinterInFolder(dataPaths(first.dataPath), { speed: 100, strict: false })
  await layout.systemctl('restart', 'moonraker')
  await layout.systemctl('restart', 'moonraker-two')
})
after(async () => {
  await klipper.stop()
  await layout[Symbol.asyncDispose]()
})

const isOurs = async ({ port }: Printer) => (await sendRequest(port, '/readyz')).status === 200

test('doctor finds services, what their configurations contain, and changes nothing', async () => {
  const { code, out, err } = await layout.run(['doctor'])
  assert.equal(code, 0, out + err)
  assert.match(out, /^moonraker\.service: Moonraker, .*\/home\/pi\/printer_data$/m)
  assert.match(out, /^moonraker-two\.service: Moonraker, .*\/home\/pi\/printer_two_data$/m)
  assert.doesNotMatch(out, /obico/)
  assert.match(out, /WARNING Unparsed config section \[unknown_thing\]/)
  assert.match(out, /WARNING Unparsed config option 'sizee: 3'/)
  assert.match(out, /ok {6}the component timelapse of another project: this server has its own/)
  assert.match(out, /ok {6}Klipper replies; its state is ready/)
  assert.match(out, /WARNING Klipper does not reply at .*printer_two_data\/comms\/virtual-klippy\.sock/)
  assert.match(out, /ok {6}Moonraker replies on port/)
  assert.ok(!existsSync(layout.at(DROP_IN)))
})

test('--dry-run prints the drop-in and writes nothing', async () => {
  const { code, out } = await layout.run(['switch', '--dry-run', '--service', 'moonraker'])
  assert.equal(code, 0)
  assert.match(out, /ExecStart=\S+ \S+moonraker\.cjs -d \/home\/pi\/printer_data/)
  assert.doesNotMatch(out, /moonraker-two/)
  assert.ok(!existsSync(layout.at(DROP_IN)))
  assert.ok(!(await isOurs(first)))
})

test('a server that does not reply is taken back by itself', async () => {
  const { code, out, err } = await layout.run(['switch', '--service', 'moonraker', '--wait', '1'], true)
  assert.equal(code, 1)
  assert.match(out, /going back/)
  assert.match(
    err,
    /moonraker: the server on port \d+ is not ready after 1 s; the service runs what it ran before/,
  )
  assert.ok(!existsSync(layout.at(DROP_IN)))
})

test('switch and back, of one service', async () => {
  const there = await layout.run(['switch', '--service', 'moonraker'])
  assert.equal(there.code, 0, there.out + there.err)
  assert.match(there.out, /moonraker runs moonraker-ts now/)
  assert.ok(await isOurs(first))
  assert.equal((await sendRequest(first.port, '/readyz?klippy')).status, 200)
  assert.ok(!(await isOurs(second)))

  const again = await layout.run(['switch', '--service', 'moonraker.service'])
  assert.match(again.out, /moonraker runs this server already/)

  const back = await layout.run(['switch', 'back', '--service', 'moonraker'])
  assert.equal(back.code, 0, back.out + back.err)
  assert.ok(!(await isOurs(first)))
  assert.equal((await sendRequest(first.port, '/server/info')).status, 200)
  assert.ok(!existsSync(layout.at(DROP_IN)))
  assert.match(
    (await layout.run(['switch', 'back', '--service', 'moonraker'])).out,
    /does not run moonraker-ts/,
  )
})

test('a drop-in that cannot be written leaves the service running', async () => {
  // A file is where the folder of the drop-ins has to be.
  const folder = 'etc/systemd/system/moonraker-two.service.d'
  layout.write(folder, '')
  const pid = layout.read('run/moonraker-two.pid')
  const { code, out, err } = await layout.run(['switch', '--service', 'moonraker-two'])
  rmSync(layout.at(folder))
  assert.equal(code, 1)
  assert.match(err, /moonraker-ts\.conf cannot be written: E/)
  assert.doesNotMatch(out + err, /restarting|sudo/)
  assert.equal(layout.read('run/moonraker-two.pid'), pid)
})

test('a print in progress prevents the switch', async () => {
  assert.equal((await layout.run(['switch', '--service', 'moonraker'])).code, 0)
  using client = await connect({ url: `http://127.0.0.1:${first.port}` })
  await client.files.upload(new Blob(['G28\nG1 X10 F600\nG4 P3600000\n']), { path: 'long.gcode' })
  await client.call('printer.print.start', { filename: 'long.gcode' })
  const { code, out } = await layout.run(['switch', 'back', '--service', 'moonraker'])
  assert.equal(code, 1)
  assert.match(out, /PROBLEM a print is in progress: wait for its end/)
  assert.ok(await isOurs(first))
})

test('restart restarts a service of this server whose printer is idle, and no other', async () => {
  assert.equal((await layout.run(['switch', '--service', 'moonraker-two'])).code, 0)
  await layout.systemctl('restart', 'moonraker-three')
  const processes = () =>
    ['moonraker', 'moonraker-two', 'moonraker-three'].map(name => layout.read(`run/${name}.pid`))
  const [printing, idle, moonraker] = processes()
  const { code, out, err } = await layout.run(['restart'])
  assert.equal(code, 0, err)
  assert.equal(
    out,
    'moonraker-ts: moonraker goes on with its version, because a print is in progress. Later: sudo systemctl restart moonraker\n' +
      'moonraker-ts: moonraker-two has been restarted\n',
  )
  const [stillPrinting, restarted, stillMoonraker] = processes()
  assert.deepEqual([stillPrinting, stillMoonraker], [printing, moonraker])
  assert.notEqual(restarted, idle)
})

test('switch back works also where a problem would prevent the switch', async () => {
  const users = layout.read('etc/passwd')
  layout.write('etc/passwd', '')
  const { code, out, err } = await layout.run(['switch', 'back', '--service', 'moonraker-two'])
  layout.write('etc/passwd', users)
  assert.equal(code, 0, err)
  assert.match(out, /PROBLEM moonraker-two\.service runs as pi, and there is no such user/)
  assert.match(out, /moonraker-two runs Moonraker again/)
})

test('a unit of the package is a service of this server, with the user of its drop-in', async () => {
  layout.write(
    'usr/lib/systemd/system/moonraker-own.service',
    '[Service]\nUser=moonraker\nExecStart=/usr/bin/moonraker-ts\n',
  )
  layout.write('etc/systemd/system/moonraker-own.service.d/user.conf', '[Service]\nUser=pi\n')
  const { out } = await layout.run(['switch', '--service', 'moonraker-own'])
  assert.match(out, /^moonraker-own\.service: moonraker-ts, .*\/home\/pi\/printer_own_data$/m)
})

test('wrong arguments', async () => {
  assert.match(
    (await layout.run(['switch', 'there'])).err,
    /unknown argument 'there'; --help lists the options/,
  )
  assert.match(
    (await layout.run(['doctor', '--service', 'moonraker-3'])).err,
    /there is no service moonraker-3: this machine has moonraker, /,
  )
  assert.match((await layout.run(['switch', '--wait', 'soon'])).err, /--wait soon: give a number/)
  assert.match((await layout.run(['doctor', '--help'])).out, /Usage: moonraker-ts doctor/)
})

test('in the repository that KIAUH installed, there is nothing to switch, and only KIAUH leads back', async () => {
  layout.write('home/pi/moonraker/dist/moonraker.cjs', '')
  const of = ['--service', 'moonraker-two']
  assert.match((await layout.run(['doctor', ...of])).out, /^moonraker-two\.service: moonraker-ts, /m)
  const there = await layout.run(['switch', ...of])
  assert.equal(there.code, 0, there.err)
  assert.match(
    there.out,
    /moonraker-two runs this server already, of the repository .*\/home\/pi\/moonraker$/m,
  )
  const back = await layout.run(['switch', 'back', ...of])
  assert.equal(back.code, 1)
  assert.match(back.err, /KIAUH's menu of Moonraker's repositories leads back/)
  assert.ok(!existsSync(layout.at('etc/systemd/system/moonraker-two.service.d')))
})
