"""systemd, logind and polkit as this server sees them, on a D-Bus of its own, made of python3-dbusmock's objects.

Reads orders from standard input, one JSON object a line, and writes what was asked of it, one JSON object a line.
Orders: {"unit": NAME, "active": STATE, "sub": STATE} makes a unit or changes it; {"pid": N, "belongs": NAME};
{"deny": [ACTION, ...]}; {"result": WORD} is how jobs end from now on: "never" is never, "early" before they are told
of; {"forge": NAME} tells everybody on the bus, from another line than systemd's, that the unit has failed.
packagekit.py has more orders.
"""
import fnmatch
import json
import sys

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
from dbusmock.mockobject import DBusMockObject
from gi.repository import GLib

from packagekit import PackageKit

SYSTEMD = 'org.freedesktop.systemd1'
ROOT = '/org/freedesktop/systemd1'
UNIT = SYSTEMD + '.Unit'
MANAGER = SYSTEMD + '.Manager'
LOGIN = 'org.freedesktop.login1'
POLKIT = 'org.freedesktop.PolicyKit1'
MANAGE_UNITS = SYSTEMD + '.manage-units'
AFTER = {'start': ('active', 'running'), 'stop': ('inactive', 'dead'), 'restart': ('active', 'running')}


def tell(**what):
    print(json.dumps(what), flush=True)


class Host:
    def __init__(self, bus):
        self.names = [dbus.service.BusName(name, bus) for name in (SYSTEMD, LOGIN, POLKIT)]
        self.units = {}
        self.pids = {}
        self.denied = set()
        self.result = 'done'
        self.jobs = 0
        self.packagekit = PackageKit(tell)
        self.manager = self.serve(self.names[0], ROOT, MANAGER, [
            ('Subscribe', '', '', ''),
            ('ListUnitsByPatterns', 'asas', 'a(ssssssouso)', lambda _, states, patterns: self.list(patterns)),
            ('StartUnit', 'ss', 'o', lambda _, unit, mode: self.job('start', unit, mode)),
            ('StopUnit', 'ss', 'o', lambda _, unit, mode: self.job('stop', unit, mode)),
            ('RestartUnit', 'ss', 'o', lambda _, unit, mode: self.job('restart', unit, mode)),
            ('GetUnitByPID', 'u', 'o', lambda _, pid: self.unit_of(pid)),
        ])
        self.serve(self.names[1], '/org/freedesktop/login1', LOGIN + '.Manager', [
            ('PowerOff', 'b', '', lambda _, interactive: self.power('PowerOff', 'power-off', interactive)),
            ('Halt', 'b', '', lambda _, interactive: self.power('Halt', 'halt', interactive)),
            ('Reboot', 'b', '', lambda _, interactive: self.power('Reboot', 'reboot', interactive)),
        ])
        self.serve(self.names[2], '/org/freedesktop/PolicyKit1/Authority', POLKIT + '.Authority', [
            ('CheckAuthorization', '(sa{sv})sa{ss}us', '(bba{ss})', lambda _, subject, action, *rest: self.check(subject, action)),
        ])

    def serve(self, name, path, interface, methods, props=None):
        made = DBusMockObject(name, path, interface, props or {}, '/dev/null')
        made.AddMethods(interface, methods)
        return made

    def put(self, unit, active, sub):
        known = self.units.get(unit)
        if known is None:
            path = f'{ROOT}/unit/n{len(self.units)}'
            props = {'Id': unit, 'ActiveState': active, 'SubState': sub}
            self.units[unit] = self.serve(self.names[0], path, UNIT, [], props)
        else:
            known.UpdateProperties(UNIT, {'ActiveState': active, 'SubState': sub})

    def list(self, patterns):
        chosen = [u for u in self.units if any(fnmatch.fnmatchcase(u, str(p)) for p in patterns)]
        return [self.row(u, self.units[u]) for u in chosen]

    def row(self, unit, made):
        props = made.props[UNIT]
        path = dbus.ObjectPath(made.path)
        return (unit, unit, 'loaded', props['ActiveState'], props['SubState'], '', path, dbus.UInt32(0), '',
                dbus.ObjectPath('/'))

    def permit(self, action):
        if action in self.denied:
            raise dbus.exceptions.DBusException(
                'Interactive authentication required.',
                name='org.freedesktop.DBus.Error.InteractiveAuthorizationRequired')

    def job(self, verb, unit, mode):
        tell(call=verb, unit=str(unit), mode=str(mode))
        self.permit(MANAGE_UNITS)
        if unit not in self.units:
            raise dbus.exceptions.DBusException(f'Unit {unit} not found.', name=SYSTEMD + '.NoSuchUnit')
        self.jobs += 1
        number, path, result = self.jobs, f'{ROOT}/job/{self.jobs}', self.result
        if result == 'early':
            self.end(unit, verb, number, path, 'done')
        elif result != 'never':
            GLib.idle_add(self.end, unit, verb, number, path, result)
        return dbus.ObjectPath(path)

    def end(self, unit, verb, number, path, result):
        if result == 'done':
            self.put(str(unit), *AFTER[verb])
        else:
            self.put(str(unit), 'failed', 'failed')
        self.manager.EmitSignal(MANAGER, 'JobRemoved', 'uoss', [number, path, unit, result])
        return False

    def unit_of(self, pid):
        unit = self.pids.get(int(pid))
        if unit is None:
            raise dbus.exceptions.DBusException('PID belongs to no unit.', name=SYSTEMD + '.NoUnitForPID')
        return dbus.ObjectPath(self.units[unit].path)

    def power(self, member, right, interactive):
        tell(call=member, interactive=bool(interactive))
        self.permit(f'{LOGIN}.{right}')

    def check(self, subject, action):
        tell(call='check', kind=str(subject[0]), action=str(action))
        return (str(action) not in self.denied, False, dbus.Dictionary({}, signature='ss'))

    def forge(self, unit):
        other = dbus.bus.BusConnection(dbus.bus.BusConnection.TYPE_SYSTEM)
        for name in other.list_names():
            message = dbus.lowlevel.SignalMessage(self.units[unit].path, dbus.PROPERTIES_IFACE, 'PropertiesChanged')
            message.append(UNIT, {'ActiveState': 'failed'}, [], signature='sa{sv}as')
            message.set_destination(name)
            other.send_message(message)
        other.flush()
        other.close()

    def order(self, line):
        order = json.loads(line)
        if 'unit' in order:
            self.put(order['unit'], order['active'], order['sub'])
        if 'pid' in order:
            self.pids[order['pid']] = order['belongs']
        if 'deny' in order:
            self.denied = set(order['deny'])
        if 'result' in order:
            self.result = order['result']
        self.packagekit.order(order)
        if 'forge' in order:
            self.forge(order['forge'])
        tell(obeyed=order)


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    host = Host(dbus.SystemBus())
    loop = GLib.MainLoop()

    def heard(*_):
        line = sys.stdin.readline()
        if line == '':
            loop.quit()
            return False
        host.order(line)
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, heard)
    tell(ready=True)
    loop.run()


main()
