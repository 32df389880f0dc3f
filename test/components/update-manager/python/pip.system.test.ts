// Python packages with the real pip, in an environment of its own with a local index.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { PythonEnvironment, withoutPip } from '../../../support/python-environment.ts'
import { pick } from '../archive/web-app.ts'
import { UpdaterBench } from '../updater-bench.ts'

/** Version 1.0.0 of a package with a command, and 1.1.0 to update to. */
async function start() {
  const python = new PythonEnvironment()
  python.publish({ name: 'pyapp', version: '1.0.0', command: 'pyapp' })
  python.install('pyapp')
  const bench = await UpdaterBench.start()
  const open = async (options: Readonly<Record<string, string>> = {}) => {
    const updater = await bench.open('python', {
      virtualenv: python.path,
      project_name: 'pyapp',
      ...options,
    })
    // Else the machine's pip would be updated, which the index does not have.
    updater.restore({ pip_version_info: ['25.2', '3.11', Date.now() / 1000] })
    return updater
  }
  return {
    python,
    bench,
    open,
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]()
      python[Symbol.dispose]()
    },
  }
}

suite('python', { skip: withoutPip }, () => {
  test('a package is updated, stays after a failure, and returns without the network', async () => {
    await using scene = await start()
    const { python, bench } = scene
    const updater = await scene.open()
    python.publish({ name: 'pyapp', version: '1.1.0', command: 'pyapp', requires: ['pylib'] })
    python.publish({ name: 'pyapp', version: '1.2.0b1', command: 'pyapp' })
    assert.deepEqual(await bench.refreshed(updater), {
      name: 'app',
      configured_type: 'python',
      detected_type: 'python_package',
      channel: 'stable',
      channel_invalid: false,
      debug_enabled: false,
      is_valid: true,
      info_tags: [],
      branch: null,
      owner: 'dummy',
      repo_name: 'pyapp',
      version: '1.0.0',
      remote_version: '1.1.0',
      rollback_version: '?',
      current_hash: 'not-specified',
      remote_hash: 'update-available',
      is_dirty: false,
      pristine: true,
      changelog_url: 'https://example.org/changes',
      full_version_string: '1.0.0',
      warnings: [],
      preview: { version: '1.1.0', commits: null, size: null, packages: [], services: ['app'] },
    })
    const failed = await bench.update(updater)
    assert.match(
      failed.error?.message ?? '',
      /^pip install .* failed; version 1\.0\.0 is installed as before$/,
    )
    assert.ok(failed.lines.some(line => line.startsWith('ERROR: ')))
    assert.equal(python.run('pyapp'), '1.0.0')
    python.publish({ name: 'pylib', version: '3.0' })
    const { lines, error } = await bench.update(updater)
    assert.equal(error, null)
    assert.deepEqual(lines.slice(0, 3), [
      'Python Package app: Checking pip version...',
      'Python Package app: Pip version up to date',
      'Python Package app: Updating Python Package pyapp from PIP...',
    ])
    assert.ok(lines.includes('Successfully installed pyapp-1.1.0 pylib-3.0'), lines.join('\n'))
    assert.equal(lines.at(-1), '*Python Package app: Update Finished...')
    assert.equal(python.run('pyapp'), '1.1.0')
    assert.deepEqual(bench.restarts, ['Python Package app'])
    assert.deepEqual(pick(updater.status(), 'version', 'remote_hash', 'rollback_version'), {
      version: '1.1.0',
      remote_hash: 'not-specified',
      rollback_version: '1.0.0',
    })
    assert.deepEqual(await bench.update(updater), { lines: [], error: null })
    assert.equal((await bench.rollback(updater)).error, null)
    assert.equal(python.run('pyapp'), '1.0.0')
    assert.deepEqual(await bench.rollback(updater), { lines: [], error: null })
  })
})
