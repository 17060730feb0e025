# A Qt program for TestToolkits: what can be clicked has a colour of its own, and what
# was chosen is printed. Its second window is nobody's business.
from PyQt5 import QtCore, QtWidgets

app = QtWidgets.QApplication([])
app.setStyle("Fusion")
for effect in QtCore.Qt.UI_AnimateMenu, QtCore.Qt.UI_FadeMenu, QtCore.Qt.UI_AnimateCombo, QtCore.Qt.UI_FadeTooltip, QtCore.Qt.UI_AnimateTooltip:
    app.setEffectEnabled(effect, False)
app.setStyleSheet("""
QMainWindow, QDialog { background: #808080; }
QMenuBar::item { background: #0000aa; color: #0000aa; }
QMenu { background: #00aa00; color: #00aa00; }
QComboBox { background: #aaaa00; color: #aaaa00; border: 0px; }
QComboBox QAbstractItemView { background: #00aaaa; color: #00aaaa; selection-background-color: #00aaaa; selection-color: #00aaaa; }
QPushButton#tipped { background: #5500aa; color: #5500aa; border: 0px; }
QPushButton#answer { background: #aa0055; color: #aa0055; border: 0px; }
QToolTip { background: #aa5500; color: #aa5500; border: 0px; }
QWidget#private { background: #ff00ff; }
""")


def say(*words):
    print(*words, flush=True)


def ask():
    dialog = QtWidgets.QDialog(main)
    dialog.setWindowTitle("question")
    answer = QtWidgets.QPushButton("yes", dialog)
    answer.setObjectName("answer")
    answer.setGeometry(20, 20, 180, 80)
    answer.clicked.connect(lambda: (say("dialog"), dialog.accept()))
    dialog.setFixedSize(220, 120)
    dialog.open()


class Private(QtWidgets.QWidget):
    def paintEvent(self, _):
        option = QtWidgets.QStyleOption()
        option.initFrom(self)
        painter = QtWidgets.QStylePainter(self)
        painter.drawPrimitive(QtWidgets.QStyle.PE_Widget, option)

    def mousePressEvent(self, _):
        say("leak")

    def keyPressEvent(self, _):
        say("leak")


main = QtWidgets.QMainWindow()
main.setWindowTitle("shared")
main.setGeometry(60, 60, 500, 400)
main.menuBar().addMenu("Menu of the bar").addAction("Item of the menu", lambda: say("menu"))

tipped = QtWidgets.QPushButton("A button with a tip", main)
tipped.setObjectName("tipped")
tipped.setGeometry(20, 150, 160, 40)
tipped.setToolTip("This is the tip of the button")
tipped.clicked.connect(ask)

combo = QtWidgets.QComboBox(main)
combo.setGeometry(20, 350, 160, 30)
combo.addItems(["entry one", "entry two", "entry three"])
combo.currentIndexChanged.connect(lambda _: say("combo"))

private = Private()
private.setObjectName("private")
private.setWindowTitle("private")
private.setWindowFlag(QtCore.Qt.WindowStaysOnTopHint)
private.setGeometry(450, 380, 200, 200)

main.show()
private.show()
say("ready")
app.exec_()
