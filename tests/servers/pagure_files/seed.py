"""Make the test users and their API tokens in an empty Pagure database; prints {user: token} as JSON."""

import contextlib
import datetime
import json
import sqlite3
import sys

PASSWORD = b"password"
USERS = ("admin", "bot", "alice", "bob")

with contextlib.redirect_stdout(sys.stderr):  # Pagure logs there
    import bcrypt
    import pagure.config
    import pagure.lib.model as model
    import pagure.lib.model_base
    import pagure.lib.query as query

    config = pagure.config.reload_config()
    session = pagure.lib.model_base.create_session(config["DB_URL"])
    # 4 rounds, not 12: every request of git checks the password.
    password = "$2$" + bcrypt.hashpw(PASSWORD, bcrypt.gensalt(4)).decode()
    today = datetime.date.today()
    tokens = {}
    for name in USERS:
        query.set_up_user(session, name, name.title(), f"{name}@example.org")
        user = query.search_user(session, username=name)
        user.password = password
        session.add(user)
        query.add_token_to_user(session, None, sorted(config["ACLS"]), name, today, "tests")
        session.commit()
        token = session.query(model.Token).filter_by(user_id=user.id).one()
        # This database is kept as a template for years; Pagure grants two at most.
        token.expiration = datetime.datetime.now() + datetime.timedelta(days=7300)
        session.commit()
        tokens[name] = token.id
    session.close()
    sqlite3.connect("/srv/pagure/db.sqlite").execute("PRAGMA journal_mode=WAL")

print(json.dumps(tokens))
