// Distributions and images, also those with hardly any facts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDistribution } from '../../../../src/components/machine/system/distribution.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { DEBIAN_12, type Tree } from './machines.ts'

async function read(tree: Tree) {
  using machine = new MachineFolder(tree)
  return await readDistribution(machine.files)
}

test('values with and without quotes, and with quotes in them', async () => {
  const { name, id, version, version_parts, codename } = await read({
    '/etc/os-release': `# comment\nNAME='Odd'\nPRETTY_NAME="The \\"Odd\\" one \\$5"\nID=odd\nVERSION_ID=1.22.333\nVERSION=1.22.333, Strange\n`,
  })
  assert.equal(name, 'The "Odd" one $5')
  assert.equal(id, 'odd')
  assert.equal(version, '1.22.333')
  assert.deepEqual(version_parts, { major: '1', minor: '22', build_number: '333' })
  assert.equal(codename, 'Strange')
})

test('a system with an empty code name', async () => {
  const { codename, version } = await read({
    '/etc/os-release': 'PRETTY_NAME="Arch Linux"\nID=arch\nVERSION_CODENAME=\nVERSION="x (old)"\n',
  })
  assert.equal(codename, '')
  assert.equal(version, '')
})

test('Debian between two releases', async () => {
  const { version, version_parts } = await read({
    '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux trixie/sid"\nID=debian\n',
    '/etc/debian_version': 'trixie/sid\n',
  })
  assert.equal(version, 'trixie/sid')
  assert.deepEqual(version_parts, { major: '', minor: '', build_number: '' })
})

test('ids that clients know under another name', async () => {
  assert.equal((await read({ '/etc/os-release': 'ID="opensuse-leap"\n' })).id, 'opensuse')
})

test('only the files of an older standard', async () => {
  const { name, id, version, codename } = await read({
    '/etc/lsb-release':
      'DISTRIB_ID="Linux Mint"\nDISTRIB_RELEASE=20\nDISTRIB_CODENAME=ulyana\nDISTRIB_DESCRIPTION="Linux Mint 20 Ulyana"\n',
  })
  assert.deepEqual([name, id, version, codename], ['Linux Mint 20 Ulyana', 'linux_mint', '20', 'ulyana'])
})

const releases: readonly (readonly [file: string, line: string, expected: Tree])[] = [
  [
    'fedora-release',
    'Fedora release 39 (Thirty Nine)',
    { name: 'Fedora', version_id: '39', codename: 'Thirty Nine' },
  ],
  [
    'mainsailos-release',
    'MainsailOS 1.0.0 (bullseye)',
    { name: 'MainsailOS', version_id: '1.0.0', codename: 'bullseye' },
  ],
  ['fluiddpi_version', '1.17.0', { name: 'fluiddpi', version_id: '1.17.0' }],
  ['ratos-release', 'RatOS 2.1.0-RC2', { name: 'RatOS', version_id: '2.1.0-RC2' }],
  ['alpine-release', '3.19.1', { name: 'alpine', version_id: '3.19.1' }],
  ['slackware-version', 'Slackware 15.0 LTS', { name: 'Slackware', version_id: '15.0' }],
  ['arch-release', 'Arch Linux', { name: 'Arch Linux' }],
]

for (const [file, line, expected] of releases) {
  test(`the image of ${file}: ${line}`, async () => {
    const { release_info } = await read({
      '/etc/os-release': DEBIAN_12,
      [`/etc/${file}`]: `${line}\nmore 1.0\n`,
    })
    assert.deepEqual(release_info, { ...expected, id: /^[a-z]+/.exec(file)?.[0] })
  })
}

test('an image without any other facts', async () => {
  const { name, id, version } = await read({ '/etc/redos-release': 'RedOS release 8.0 (Standard)\n' })
  assert.deepEqual([name, id, version], ['RedOS 8.0 (Standard)', 'redos', '8.0'])
})
