// The Debian packages on a Debian with systemd: install, upgrade, remove and purge, with and without Moonraker.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { MOONRAKER } from '../app/installation/kiauh-layout.ts'
import { absent } from '../support/program.ts'
import { BuiltPackages } from './built-packages.ts'
import { DebianSystem, withoutDebian } from './debian-system.ts'
import { until } from './until.ts'

const CONF = `[server]
klippy_uds_address: {data_path}/comms/virtual-klippy.sock
[authorization]
trusted_clients: 127.0.0.1
[update_manager]
enable_system_updates: False
`
const DATA = '/var/lib/moonraker/printer_data'

suite('Debian packages on a system', { skip: withoutDebian, timeout: 300_000 }, () => {
  let packages: BuiltPackages
  let system: DebianSystem
  let first: string
  before(
    async () => {
      packages = new BuiltPackages(process.arch === 'arm64' ? 'arm64' : 'amd64')
      first = packages.inSystem(packages.server)
      system = await DebianSystem.boot(packages.folder)
    },
    { timeout: 120_000 },
  )
  after(async () => {
    await system?.[Symbol.asyncDispose]()
    packages?.[Symbol.dispose]()
  })

  const apt = (command: string, ...names: readonly string[]) =>
    system.sh(`apt-get ${command} --yes --no-install-recommends ${names.join(' ')} 2>&1`)
  const property = (name: string) =>
    system.run('systemctl', 'show', '--property', name, '--value', 'moonraker')
  const exists = (path: string) => system.sh(`test -e ${path} && echo yes || echo no`) === 'yes'
  const upgrade = (version: string) => apt('install', packages.inSystem(packages.withVersion(version)))
  const start = (name: string, text: string) =>
    system.result('/server/files/upload', ['-F', `file=@-;filename=${name}`, '-F', 'print=true'], text)
  const printState = () =>
    system.result('/printer/objects/query?print_stats').status.print_stats.state as string

  test('lintian finds nothing that has no override', { skip: absent('lintian') }, () => {
    assert.equal(packages.lint(), '')
  })

  test('an installation starts the service as a user of its own', () => {
    apt('install', packages.inSystem(packages.node), first)
    assert.equal(property('ActiveState'), 'active')
    assert.equal(property('User'), 'moonraker')
    const info = system.result('/server/info')
    assert.deepEqual([info.failed_components, info.warnings], [[], []])
    assert.equal(system.sh(`stat -c %U ${DATA}/config/moonraker.conf`), 'moonraker')
    assert.match(system.sh('ls /var/cache/moonraker'), /^v24/)
  })

  test('the service prints a file on the virtual printer', async () => {
    system.write(`${DATA}/config/moonraker.conf`, CONF)
    system.write(
      '/etc/systemd/system/moonraker.service.d/test.conf',
      `[Service]\nExecStart=\nExecStart=/usr/bin/moonraker-ts --virtual-printer --speed 200 -d ${DATA}\n`,
    )
    system.sh('systemctl daemon-reload; systemctl restart moonraker')
    await until(() => system.result('/server/info').klippy_state === 'ready')
    assert.equal(start('short.gcode', 'G28\nG1 X10 F600\n').print_started, true)
    await until(() => printState() === 'complete')
  })

  test('an upgrade during a print restarts nothing, and leaves the program of the server', async () => {
    start('long.gcode', `G28\n${'G1 X10 F60\nG1 X0 F60\n'.repeat(10_000)}`)
    await until(() => printState() === 'printing')
    const [process, version] = [property('MainPID'), first.split('_')[1]]
    const output = upgrade('100.0-1')
    assert.match(
      output,
      /moonraker goes on with its version, because a print is in progress\. Later: sudo systemctl/,
    )
    assert.equal(property('MainPID'), process)
    // Parts that the server has not loaded yet.
    assert.equal(system.request('/openrpc.json').status, 200)
    system.result('/printer/print/cancel', ['-X', 'POST'])
    await until(() => printState() === 'cancelled')
    const { moonraker } = system.result('/machine/update/refresh?name=moonraker', ['-X', 'POST']).version_info
    assert.equal(moonraker.version, version)
    assert.match(moonraker.anomalies[0], /^Version 100\.0-1 is installed: it runs after a restart/)
    assert.match(moonraker.anomalies[1], /apt install/)
    assert.equal(system.request('/machine/update/moonraker', ['-X', 'POST']).status, 200)
    assert.match(system.run('moonraker-ts', 'restart'), /moonraker has been restarted/)
    assert.notEqual(property('MainPID'), process)
    await until(() => system.result('/machine/update/status').version_info.moonraker.version === '100.0-1')
  })

  test('an upgrade without a print restarts the service, and removes the old program', () => {
    const process = property('MainPID')
    assert.match(upgrade('101.0-1'), /moonraker has been restarted/)
    assert.notEqual(property('MainPID'), process)
    assert.equal(system.sh('ls /usr/lib/moonraker-ts/versions'), '101.0-1')
    assert.equal(system.request('/server/info').status, 200)
  })

  test('another Node restarts the service', () => {
    const process = property('MainPID')
    const output = apt('install --reinstall', packages.inSystem(packages.node))
    assert.match(output, /moonraker has been restarted/)
    assert.notEqual(property('MainPID'), process)
  })

  test('a command that is part of the service, such as apt of the update manager, does not restart it', () => {
    system.write(
      '/etc/systemd/system/moonraker.service.d/reload.conf',
      '[Service]\nExecReload=+/usr/bin/moonraker-ts restart\n',
    )
    const process = property('MainPID')
    system.sh('systemctl daemon-reload; systemctl reload moonraker')
    assert.equal(property('MainPID'), process)
    assert.match(
      system.run('journalctl', '--unit', 'moonraker'),
      /goes on with its version, because this command is part of it/,
    )
  })

  test('a removal and a purge leave the data, and nothing else', () => {
    apt('remove', 'moonraker-ts')
    assert.equal(property('ActiveState'), 'inactive')
    apt('install', first)
    assert.equal(property('ActiveState'), 'active')
    apt('remove', 'moonraker-ts')
    assert.equal(system.sh('ls /usr/lib/moonraker-ts'), 'bin\nnode_modules')
    apt('purge', 'moonraker-ts')
    const left =
      "find /etc /usr /var -path '*moonraker*' -not -path '/var/lib/moonraker/*' -not -path '*moonraker-ts-node*'"
    assert.deepEqual(system.sh(`${left} -not -path '/usr/lib/moonraker-ts/*' | sort`).split('\n'), [
      '/etc/systemd/system/moonraker.service.d',
      '/etc/systemd/system/moonraker.service.d/reload.conf',
      '/etc/systemd/system/moonraker.service.d/test.conf',
      '/usr/lib/moonraker-ts',
      '/var/lib/moonraker',
    ])
    assert.ok(exists(`${DATA}/gcodes/short.gcode`))
    system.sh('rm -r /etc/systemd/system/moonraker.service.d; systemctl daemon-reload')
  })

  test('with Klipper and without Moonraker, the service runs as the user of Klipper', () => {
    system.sh('useradd --create-home pi')
    system.write('/etc/systemd/system/klipper.service', '[Service]\nUser=pi\nExecStart=/bin/true\n')
    apt('install', first)
    assert.equal(property('User'), 'pi')
    assert.equal(system.request('/server/info').status, 200)
    assert.equal(system.sh('stat -c %U /home/pi/printer_data/config/moonraker.conf'), 'pi')
    assert.match(system.run('id', 'pi'), /moonraker-admin/)
    assert.match(system.run('moonraker-ts', 'switch'), /moonraker is a service of this server$/m)
    apt('purge', 'moonraker-ts')
    assert.ok(!exists('/etc/systemd/system/moonraker.service.d'))
    assert.ok(exists('/home/pi/printer_data/config/moonraker.conf'))
  })

  test('Moonraker stays until a user switches, and is back after a removal', async () => {
    const isOurs = () => system.request('/readyz').status !== 404
    system.write('/home/pi/moonraker-env/bin/python', `#!/usr/lib/moonraker-ts/bin/node\n${MOONRAKER}`, '755')
    system.write(
      '/home/pi/printer_data/config/moonraker.conf',
      `[server]\nport: 7125\n${CONF.replace('[server]\n', '')}`,
    )
    system.write(
      '/home/pi/printer_data/systemd/moonraker.env',
      'MOONRAKER_ARGS="moonraker.py -d /home/pi/printer_data"\n',
    )
    system.write(
      '/etc/systemd/system/moonraker.service',
      '[Service]\nUser=pi\nEnvironmentFile=/home/pi/printer_data/systemd/moonraker.env\n' +
        'ExecStart=/home/pi/moonraker-env/bin/python $MOONRAKER_ARGS\n[Install]\nWantedBy=multi-user.target\n',
    )
    system.sh('systemctl daemon-reload; systemctl enable --now moonraker')
    await until(() => !isOurs())
    const process = property('MainPID')
    assert.match(
      apt('install', first),
      /Moonraker stays as it is \(moonraker\.service\).*sudo moonraker-ts switch/,
    )
    assert.equal(property('MainPID'), process)

    assert.match(system.run('moonraker-ts', 'switch'), /moonraker runs moonraker-ts now/)
    assert.ok(isOurs())
    assert.match(upgrade('100.0-1'), /moonraker has been restarted/)
    await until(isOurs)
    apt('remove', 'moonraker-ts')
    assert.equal(property('ActiveState'), 'active')
    assert.ok(!isOurs())

    apt('install', first)
    system.run('moonraker-ts', 'switch')
    system.sh('mv /usr/bin/systemctl /root/; ln -s /bin/false /usr/bin/systemctl')
    const refused = system.sh('apt-get remove --yes moonraker-ts 2>&1 || echo refused')
    system.sh('mv /root/systemctl /usr/bin/')
    assert.match(refused, /could not be restarted[\s\S]*systemctl restart moonraker[\s\S]*\nrefused$/)
    assert.ok(exists('/usr/lib/moonraker-ts/dist'))
    system.sh('systemctl daemon-reload; systemctl restart moonraker')
    apt('remove', 'moonraker-ts')
    assert.ok(!isOurs())
  })
})
