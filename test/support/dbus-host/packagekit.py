"""PackageKit as this server sees it: transactions whose packages and failures the orders of host.py set.

Orders: {"updates": [ID, ...]} are the packages that GetUpdates names, {"available": [ID, ...]} those that Resolve finds;
{"problem": TEXT} is the error of the next change; {"vanish": true} ends PackageKit during the next change.
"""
import dbus
from dbusmock.mockobject import DBusMockObject
from gi.repository import GLib

NAME = 'org.freedesktop.PackageKit'
TRANSACTION = NAME + '.Transaction'
INSTALLED, AVAILABLE, NORMAL, BLOCKED, UPDATING = 1, 2, 5, 9, 11
SUCCESS, FAILED = 1, 2


class PackageKit:
    def __init__(self, tell):
        self.tell = tell
        self.bus = None
        self.transactions = 0
        self.updates = []
        self.available = []
        self.problem = None
        self.vanish = False

    def order(self, order):
        self.updates = order.get('updates', self.updates)
        self.available = order.get('available', self.available)
        self.problem = order.get('problem')
        self.vanish = order.get('vanish', False)
        if self.bus is None and ('updates' in order or 'available' in order):
            self.start()

    def start(self):
        # A connection of its own, so that it can end.
        self.bus = dbus.bus.BusConnection(dbus.bus.BusConnection.TYPE_SYSTEM)
        self.bus.set_exit_on_disconnect(False)
        self.name = dbus.service.BusName(NAME, self.bus)
        control = DBusMockObject(self.name, '/org/freedesktop/PackageKit', NAME, {'VersionMajor': dbus.UInt32(1)}, '/dev/null')
        control.AddMethods(NAME, [('CreateTransaction', '', 'o', lambda _: self.create())])
        self.control = control

    def create(self):
        self.transactions += 1
        path = f'/{self.transactions}_transaction'
        made = DBusMockObject(self.name, path, TRANSACTION, {}, '/dev/null')
        made.AddMethods(TRANSACTION, [
            ('SetHints', 'as', '', lambda _, hints: None),
            ('GetUpdates', 't', '', lambda _, filters: self.listed(made, self.updates, NORMAL)),
            ('Resolve', 'tas', '', lambda _, filters, names: self.listed(made, [p for p in self.available if p.split(';')[0] in names], AVAILABLE)),
            ('RefreshCache', 'b', '', lambda _, force: self.change(made, 'RefreshCache', [])),
            ('UpdatePackages', 'tas', '', lambda _, flags, ids: self.change(made, 'UpdatePackages', ids)),
            ('InstallPackages', 'tas', '', lambda _, flags, ids: self.change(made, 'InstallPackages', ids)),
        ])
        return dbus.ObjectPath(path)

    def listed(self, made, packages, info):
        def send():
            for package in packages:
                kind = BLOCKED if package.endswith(';blocked') else info
                made.EmitSignal(TRANSACTION, 'Package', 'uss', [dbus.UInt32(kind), package, 'summary'])
            made.EmitSignal(TRANSACTION, 'Finished', 'uu', [dbus.UInt32(SUCCESS), dbus.UInt32(1)])
            return False
        GLib.idle_add(send)

    def change(self, made, member, ids):
        self.tell(call=member, packages=[str(i) for i in ids])
        if member == 'RefreshCache':
            return self.listed(made, [], NORMAL)
        problem, vanish = self.problem, self.vanish
        self.problem, self.vanish = None, False

        def send():
            if vanish:
                self.bus.close()
                self.bus = None
                return False
            for percent in (50, 101):
                made.EmitSignal(dbus.PROPERTIES_IFACE, 'PropertiesChanged', 'sa{sv}as', [TRANSACTION, {'Percentage': dbus.UInt32(percent)}, []])
            for package in ids:
                made.EmitSignal(TRANSACTION, 'Package', 'uss', [dbus.UInt32(UPDATING), package, 'summary'])
            if problem is not None:
                made.EmitSignal(TRANSACTION, 'ErrorCode', 'us', [dbus.UInt32(8), problem])
            done = FAILED if problem is not None else SUCCESS
            made.EmitSignal(TRANSACTION, 'Finished', 'uu', [dbus.UInt32(done), dbus.UInt32(1)])
            return False
        GLib.idle_add(send)
