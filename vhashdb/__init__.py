"""vhashdb"""
