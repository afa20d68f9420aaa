#!/usr/bin/python3
from flaskapp import app

if __name__ == '__main__':
    import by_hand
    by_hand.run_app(app)
