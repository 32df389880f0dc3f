// System packages through PackageKit, over a real D-Bus daemon with a simulated PackageKit and polkit.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { HostBus } from '../../../../src/components/machine/services/host-bus.ts'
import { missingRights } from '../../../../src/components/machine/services/rights.ts'
import { Apt } from '../../../../src/components/update-manager/system/apt.ts'
import { PackageKit } from '../../../../src/components/update-manager/system/packagekit.ts'
import { SystemPackages } from '../../../../src/components/update-manager/system/system-packages.ts'
import { SystemUpdater } from '../../../../src/components/update-manager/system/system-updater.ts'
import { absent, Host } from '../../../support/dbus-host/host.ts'
import { fakePrograms } from '../../machine/fake-programs.ts'
import { UpdaterBench } from '../updater-bench.ts'

const { signal } = new AbortController()
const UPDATES = ['libone;2.0;amd64;stable', 'libtwo;1.1;all;stable', 'held;3.0;all;blocked']

const noSudo = { run: () => Promise.reject(new Error('PackageKit needs no sudo')) }

/** The connection to the bus of the test. */
class DisposableBus implements Disposable {
  readonly #bus = new HostBus()
  readonly access = { connect: this.#bus.connect.bind(this.#bus), missingRights };

  [Symbol.dispose](): void {
    this.#bus.stop()
  }
}

/** The machine's package manager, as the server finds it. */
async function find(usePackageKit = true) {
  const bus = new DisposableBus()
  const parts = { sudo: noSudo, bus: bus.access, usePackageKit, signal }
  const provider = await new SystemPackages(parts).provider()
  return { provider, [Symbol.dispose]: () => bus[Symbol.dispose]() }
}

async function findPackageKit() {
  const found = await find()
  assert.ok(found.provider instanceof PackageKit)
  return { packageKit: found.provider, [Symbol.dispose]: found[Symbol.dispose] }
}

function recorder() {
  const lines: string[] = []
  const progress: (number | null)[] = []
  return {
    lines,
    signal,
    message: (text: string) => void lines.push(text),
    fractions: progress,
    progress: (fraction: number | null) => void progress.push(fraction),
  }
}

suite('PackageKit', { skip: absent }, () => {
  test('packages are listed and updated', async () => {
    await using host = await Host.start({ updates: UPDATES })
    using found = await findPackageKit()
    const run = recorder()
    await found.packageKit.refresh(run)
    assert.deepEqual(await found.packageKit.upgradable(signal), ['libone', 'libtwo'])
    await found.packageKit.upgrade(run)
    assert.deepEqual(run.lines, ['Updating libone 2.0', 'Updating libtwo 1.1'])
    assert.deepEqual(run.fractions, [0.5, null])
    // Its calls arrive over another line than its replies.
    await host.called('UpdatePackages')
    const changes = host.calls.filter(({ call }) => call !== 'check')
    assert.deepEqual(changes, [
      { call: 'RefreshCache', packages: [] },
      { call: 'UpdatePackages', packages: UPDATES.slice(0, 2) },
    ])
  })

  test('the entry system has its packages, updates them, and keeps them after a failure', async () => {
    await using host = await Host.start({ updates: UPDATES })
    await using bench = await UpdaterBench.start()
    using hostBus = new DisposableBus()
    const packages = new SystemPackages({ sudo: noSudo, bus: hostBus.access, usePackageKit: true, signal })
    const updater = new SystemUpdater(packages, bench.core)
    const status = (await bench.refreshed(updater)) as { readonly package_list?: readonly string[] }
    assert.deepEqual(status.package_list, ['libone', 'libtwo'])
    await host.order({ problem: 'the disk is full' })
    const failed = await bench.update(updater)
    assert.equal(failed.error?.message, 'Error updating system packages')
    assert.deepEqual(updater.stored(), { packages: ['libone', 'libtwo'] })
    const { lines, error } = await bench.update(updater)
    assert.equal(error, null)
    assert.deepEqual(lines, [
      'Updating packages...',
      'Updating libone 2.0',
      'Updating libtwo 1.1',
      '*Package update finished...',
    ])
    assert.deepEqual(updater.stored(), { packages: [] })
  })

  test('packages are installed by their names', async () => {
    await using host = await Host.start({ available: ['libone;2.0;amd64;stable'] })
    using found = await findPackageKit()
    const known = await found.packageKit.known(['libone', 'libnone'], signal)
    assert.deepEqual(known, ['libone'])
    await found.packageKit.install(known, recorder())
    assert.deepEqual(await host.called('InstallPackages'), {
      call: 'InstallPackages',
      packages: ['libone;2.0;amd64;stable'],
    })
  })

  test('a failure has the words of PackageKit', async () => {
    await using _host = await Host.start({ updates: UPDATES, problem: 'the disk is full' })
    using found = await findPackageKit()
    const upgrade = found.packageKit.upgrade(recorder())
    await assert.rejects(upgrade, { name: 'PackageError', message: 'the disk is full' })
  })

  test('a PackageKit that ends during a change is a failure', async () => {
    await using host = await Host.start({ updates: UPDATES, vanish: true })
    using found = await findPackageKit()
    await assert.rejects(found.packageKit.upgrade(recorder()), { message: 'PackageKit has ended' })
    await host.order({ updates: UPDATES })
    assert.deepEqual(await found.packageKit.upgradable(signal), ['libone', 'libtwo'])
  })

  test('without the rights for PackageKit, apt is used', async () => {
    await using _host = await Host.start({
      updates: UPDATES,
      deny: ['org.freedesktop.packagekit.system-update'],
    })
    using _ = fakePrograms({ 'apt-get': '' })
    using found = await find()
    assert.ok(found.provider instanceof Apt)
  })

  test('without PackageKit, and where it is switched off, apt is used', async () => {
    await using host = await Host.start()
    using _ = fakePrograms({ 'apt-get': '' })
    using without = await find()
    assert.ok(without.provider instanceof Apt)
    await host.order({ updates: UPDATES })
    using off = await find(false)
    assert.ok(off.provider instanceof Apt)
  })
})
