# A GTK program for TestToolkits: what can be clicked has a colour of its own, and what
# was chosen is printed. Its second window is nobody's business.
import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk

css = Gtk.CssProvider()
css.load_from_data(b"""
* { transition: none; text-shadow: none; }
window, dialog { background: #808080; }
#menu   { background: #0000aa; color: #0000aa; }
#item   { background: #00aa00; color: #00aa00; }
#combo *   { background: #aaaa00; color: #aaaa00; }
#combo menuitem, #combo menuitem * { background: #00aaaa; color: #00aaaa; }
#tipped { background: #5500aa; color: #5500aa; }
#answer { background: #aa0055; color: #aa0055; }
tooltip, tooltip * { background: #aa5500; color: #aa5500; }
#private { background: #ff00ff; }
""")
Gtk.StyleContext.add_provider_for_screen(Gdk.Screen.get_default(), css, Gtk.STYLE_PROVIDER_PRIORITY_USER)
Gtk.Settings.get_default().set_property("gtk-enable-animations", False)


def say(*words):
    print(*words, flush=True)


def named(widget, name):
    widget.set_name(name)
    if isinstance(widget, Gtk.Button) or isinstance(widget, Gtk.MenuItem):
        widget.get_child().set_name(name)
    return widget


def ask(_):
    dialog = Gtk.Dialog(title="question", transient_for=main, modal=True)
    dialog.set_default_size(220, 120)
    answer = named(Gtk.Button(label="yes"), "answer")
    answer.connect("clicked", lambda _: (say("dialog"), dialog.destroy()))
    dialog.get_content_area().pack_start(answer, True, True, 20)
    dialog.show_all()


main = Gtk.Window(title="shared")
main.set_default_size(500, 400)
main.move(60, 60)
box = Gtk.Fixed()
main.add(box)

bar, menu = Gtk.MenuBar(), Gtk.Menu()
top, item = named(Gtk.MenuItem(label="Menu of the bar"), "menu"), named(Gtk.MenuItem(label="Item of the menu"), "item")
item.connect("activate", lambda _: say("menu"))
menu.append(item)
top.set_submenu(menu)
bar.append(top)
box.put(bar, 0, 0)

tipped = named(Gtk.Button(label="A button with a tip"), "tipped")
tipped.set_tooltip_text("This is the tip of the button")
tipped.connect("clicked", ask)
box.put(tipped, 20, 150)

combo = named(Gtk.ComboBoxText(), "combo")
for entry in "one", "two", "three":
    combo.append_text("entry " + entry)
combo.set_active(0)
combo.connect("changed", lambda c: say("combo"))
box.put(combo, 20, 350)

private = named(Gtk.Window(title="private"), "private")
private.set_default_size(200, 200)
private.move(450, 380)
private.set_keep_above(True)
private.add_events(Gdk.EventMask.BUTTON_PRESS_MASK)
for signal in "button-press-event", "key-press-event":
    private.connect(signal, lambda *_: say("leak"))

main.show_all()
private.show_all()
say("ready")
Gtk.main()
