import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SYSTEM_BUS, SystemBus, socketsOf } from '../../../../src/components/machine/services/system-bus.ts'

test('the sockets of a D-Bus address', () => {
  const addresses = {
    [SYSTEM_BUS]: ['/run/dbus/system_bus_socket'],
    'unix:path=/a,guid=0f': ['/a'],
    'unix:guid=0f,path=/a%20b%2c': ['/a b,'],
    'unix:abstract=/tmp/bus;unix:path=/b': ['\0/tmp/bus', '/b'],
    'tcp:host=10.0.0.1,port=1;unix:dir=/tmp': [],
    'unixexec:path=/bin/sh': [],
    'path=/a': [],
    '': [],
  }
  for (const [address, sockets] of Object.entries(addresses))
    assert.deepEqual(socketsOf(address), sockets, address)
})

test('an address that leads nowhere: the error names no path', async () => {
  const { signal } = new AbortController()
  const lost = () => assert.fail('it was never there')
  await assert.rejects(SystemBus.connect('tcp:host=x', lost, signal), {
    message: 'its address names no unix socket',
  })
  await assert.rejects(SystemBus.connect('unix:path=/nonexistent/a;unix:path=/nonexistent/b', lost, signal), {
    message: 'it does not listen: ENOENT',
  })
})
